#include "support/http_server.c"
