// Adds what only a script can do. Every step works without it.
'use strict';

const texts = 'data-cs-';
const every = (name) => document.querySelectorAll(`[${texts}${name}]`);
const text = (element, name) => element.getAttribute(texts + name);

// Shows times in the time zone of the browser, and in its region if it speaks the language of the page.
const { lang } = document.documentElement;
const locale = navigator.languages.find((one) => one.split('-')[0] === lang.split('-')[0]) ?? (lang || undefined);
for (const time of every('time')) {
  const form = text(time, 'time') === 'time' ? {} : { dateStyle: 'long' };
  const at = new Date(time.dateTime);
  if (!Number.isNaN(at.getTime())) {
    time.textContent = new Intl.DateTimeFormat(locale, { ...form, timeStyle: 'short' }).format(at);
  }
}

// Says something in a live region, also if it says the same again.
const say = (region, words) => {
  region.textContent = '';
  setTimeout(() => { region.textContent = words; }, 100);
};

// Copies a text, and says whether that worked.
for (const button of every('copy')) {
  const region = document.getElementById(text(button, 'say'));
  button.hidden = false;
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(text(button, 'copy'));
      say(region, text(button, 'copied'));
    } catch {
      say(region, text(button, 'failed'));
    }
  });
}

for (const button of every('print')) {
  button.hidden = false;
  button.addEventListener('click', () => print());
}

// A second click sends nothing, until the page is shown again.
for (const form of document.forms) {
  const buttons = [...form.elements].filter((element) => element.hasAttribute(`${texts}once`));
  const enable = (enabled) => buttons.forEach((button) => { button.disabled = !enabled; });
  form.addEventListener('submit', () => setTimeout(() => enable(false)));
  addEventListener('pageshow', () => enable(true));
}

// Counts down. A screen reader hears the start and the end, but not the clock.
for (const wait of every('seconds')) {
  const region = wait.parentElement.querySelector(`[${texts}said]`);
  const clock = wait.querySelector(`[${texts}clock]`);
  const end = Date.now() + Number(text(wait, 'seconds')) * 1000;
  const two = (number) => String(number).padStart(2, '0');
  const tick = () => {
    const left = Math.max(0, Math.ceil((end - Date.now()) / 1000));
    const hours = Math.floor(left / 3600);
    const minutes = Math.floor(left / 60) % 60;
    clock.textContent = (hours ? `${hours}:${two(minutes)}` : String(minutes)) + `:${two(left % 60)}`;
    if (left > 0) {
      setTimeout(tick, 1000);
    } else {
      wait.hidden = true;
      say(region, text(wait, 'over'));
    }
  };
  say(region, region.textContent);
  wait.hidden = false;
  tick();
}
