<?php
// The site's configuration; what differs from run to run comes from the environment.
define('DB_NAME', 'site'); // SQLite needs none of these, WordPress wants them defined
define('DB_USER', '');
define('DB_PASSWORD', '');
define('DB_HOST', '');
define('DB_CHARSET', 'utf8mb4');
define('DB_COLLATE', '');
$table_prefix = 'wp_';
foreach (['AUTH', 'SECURE_AUTH', 'LOGGED_IN', 'NONCE'] as $name) {
    define("{$name}_KEY", hash('sha256', "$name key " . getenv('GP_SECRET')));
    define("{$name}_SALT", hash('sha256', "$name salt " . getenv('GP_SECRET')));
}
define('WP_HOME', getenv('GP_URL'));
define('WP_SITEURL', getenv('GP_URL'));
define('WP_ENVIRONMENT_TYPE', 'local'); // application passwords without https
define('WP_HTTP_BLOCK_EXTERNAL', true);
define('AUTOMATIC_UPDATER_DISABLED', true);
define('DISABLE_WP_CRON', true);
defined('ABSPATH') || define('ABSPATH', __DIR__ . '/');
require_once ABSPATH . 'wp-settings.php';
