#include "../fetch/support/http_server.c"
