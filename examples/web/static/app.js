// Adds what only a script can do. Every step works without scripts.
'use strict';

// Copies the text in the attribute `data-copy` of a button.
for (const button of document.querySelectorAll('[data-copy]')) {
  const label = button.textContent;
  button.hidden = false;
  button.addEventListener('click', async () => {
    await navigator.clipboard.writeText(button.dataset.copy);
    button.textContent = 'Copied';
    setTimeout(() => { button.textContent = label; }, 2000);
  });
}

for (const button of document.querySelectorAll('[data-print]')) {
  button.hidden = false;
  button.addEventListener('click', () => print());
}

// A second click sends nothing, until the page is shown again.
for (const form of document.forms) {
  const submits = form.querySelectorAll('[data-once]');
  const able = (yes) => submits.forEach((button) => { button.disabled = !yes; });
  form.addEventListener('submit', () => setTimeout(() => able(false)));
  addEventListener('pageshow', () => able(true));
}

// Counts down, and asks the server again at the end.
for (const wait of document.querySelectorAll('[data-seconds]')) {
  const end = Date.now() + Number(wait.dataset.seconds) * 1000;
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1000);
    if (left <= 0) {
      location.replace(location.href);
      return;
    }
    const minutes = Math.floor(left / 60);
    const seconds = String(left % 60).padStart(2, '0');
    if (left < 7200) {
      wait.textContent = `${minutes}:${seconds}`;
    }
    setTimeout(tick, 1000);
  };
  tick();
}

// Puts an open dialog in front of the page, and gives it the keyboard.
for (const dialog of document.querySelectorAll('dialog[data-modal]')) {
  dialog.close();
  dialog.showModal();
  // Ready to type, with the QR code still in view.
  dialog.querySelector('.digits').focus({ preventScroll: true });
  if (!dialog.querySelector('#problem')) {
    dialog.scrollTop = 0;
  }
  dialog.addEventListener('cancel', (event) => {
    event.preventDefault();
    document.getElementById('cancel').requestSubmit();
  });
}
