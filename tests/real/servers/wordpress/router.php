<?php
// For PHP's own web server: a file is a file, everything else is WordPress's to answer.
$site = $_SERVER['DOCUMENT_ROOT'];
$path = $site . urldecode(parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
if (is_file($path) || is_file("$path/index.php") && $path !== "$site/") {
    return false;
}
$_SERVER['SCRIPT_NAME'] = $_SERVER['PHP_SELF'] = '/index.php';
$_SERVER['SCRIPT_FILENAME'] = "$site/index.php";
chdir($site);
require "$site/index.php";
