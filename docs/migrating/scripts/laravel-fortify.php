<?php
// Writes the second factors of Laravel Fortify as JSON lines, one user a line. Run it in the directory of `artisan`.
//
//     php laravel-fortify.php > rows.jsonl
//
// Users whose second factor is not confirmed are left out. Change the model if it is not App\Models\User.
use App\Models\User;
use Laravel\Fortify\TwoFactorAuthenticationProvider;
use PragmaRX\Google2FA\Google2FA;

require getcwd() . '/vendor/autoload.php';
$app = require getcwd() . '/bootstrap/app.php';
$app->make(Illuminate\Contracts\Console\Kernel::class)->bootstrap();

$window = config('fortify-options.two-factor-authentication.window') ?? $app->make(Google2FA::class)->getWindow();
$letters = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

foreach (User::whereNotNull('two_factor_secret')->lazyById(1000) as $user) {
    if (! $user->hasEnabledTwoFactorAuthentication()) {
        continue;
    }
    $row = [
        'account' => (string) $user->getKey(),
        'authenticators' => [[
            'type' => 'totp',
            'secret' => rtrim(decrypt($user->two_factor_secret), '='),
            // The last time step that the window has reached: Fortify keeps used passcodes only in the cache.
            'last_step' => intdiv(time(), 30) + $window,
        ]],
    ];
    $codes = $user->two_factor_recovery_codes ? $user->recoveryCodes() : [];
    $shaped = array_values(preg_grep('/^[A-Za-z0-9]{10}-[A-Za-z0-9]{10}$/', $codes));
    if (count($shaped) < count($codes)) {
        fwrite(STDERR, "user {$user->getKey()}: some recovery codes have another shape\n");
    }
    if ($shaped) {
        $entries = array_map(fn ($code) => ['code' => $code], $shaped);
        $row['backup_codes'] = ['alphabet' => $letters . '0123456789', 'length' => 20, 'codes' => $entries];
    }
    echo json_encode($row), "\n";
}
