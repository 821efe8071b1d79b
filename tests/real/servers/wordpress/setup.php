<?php
// Installs the site once and prints an application password of its administrator. usage: setup.php SITE
define('WP_INSTALLING', true);
$_SERVER += ['HTTP_HOST' => parse_url(getenv('GP_URL'), PHP_URL_HOST), 'REQUEST_URI' => '/',
    'REQUEST_METHOD' => 'GET', 'SERVER_PROTOCOL' => 'HTTP/1.1'];
require $argv[1] . '/wp-load.php';
require_once ABSPATH . 'wp-admin/includes/upgrade.php';

// An installation announces itself by mail; there is no mail server here.
function wp_mail() { return true; }

$site = wp_install('City of Riverton', 'admin', 'admin@example.com', true, '', getenv('GP_SECRET'));
update_option('permalink_structure', '/%postname%/');
update_option('timezone_string', 'Europe/Stockholm');
[$password] = WP_Application_Passwords::create_new_application_password($site['user_id'], ['name' => 'tests']);
echo json_encode(['version' => $GLOBALS['wp_version'], 'password' => $password]);
