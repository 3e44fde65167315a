/* libcrypto 3 calls engines deprecated, but PKCS#11 has no provider yet everywhere. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include "sign/token.h"

#include <openssl/engine.h>
#include <openssl/ui.h>
#include <stdbool.h>
#include <string.h>

#include "sign/crypto.h"

static int check_uri(const char *uri, const char *pin, struct err *e)
{
	if (strstr(uri, "pin-value="))
		return err_set(
			e, ERR_USAGE,
			"a PIN in the key's URI can be read by everybody; --passphrase-file or --passphrase-env says where it is");
	if (!pin && !strstr(uri, "pin-source="))
		return err_set(e, ERR_USAGE,
			       "the key is in a token: --passphrase-file or --passphrase-env says where the token's PIN is");
	return 0;
}

static EVP_PKEY *load(ENGINE *engine, const char *uri, const char *pin)
{
	/* Its own words on stderr would come between ours; the reason comes back as an error too. */
	ENGINE_ctrl_cmd(engine, "QUIET", 0, NULL, NULL, 1);
	if (pin && ENGINE_ctrl_cmd_string(engine, "PIN", pin, 0) != 1)
		return NULL;
	return ENGINE_load_private_key(engine, uri, (UI_METHOD *)UI_null(), NULL);
}

void token_close(ENGINE *token)
{
	if (!token)
		return;
	ENGINE_finish(token);
	ENGINE_free(token);
}

static int open_engine(ENGINE **ret, struct err *e)
{
	ENGINE_load_builtin_engines();
	ENGINE *engine = ENGINE_by_id("pkcs11");
	if (!engine) {
		ERR_clear_error();
		return err_set(e, ERR_USAGE,
			       "libcrypto has no engine 'pkcs11', by which keys in tokens are used; it is in the package "
			       "libengine-pkcs11-openssl");
	}
	if (ENGINE_init(engine) != 1) {
		ENGINE_free(engine);
		return crypto_err(e, ERR_USAGE,
				  "libcrypto's engine 'pkcs11' does not start; $PKCS11_MODULE_PATH says which module it is to use");
	}
	*ret = engine;
	return 0;
}

int token_key_load(const char *uri, const char *pin, struct key *ret, struct err *e)
{
	ENGINE *engine = NULL;

	if (check_uri(uri, pin, e) < 0 || open_engine(&engine, e) < 0)
		return -1;
	EVP_PKEY *pkey = load(engine, uri, pin);
	if (!pkey) {
		token_close(engine);
		return crypto_err(e, ERR_USAGE, "the token gives no such private key (does it hold it, is the PIN right?)");
	}
	ERR_clear_error();
	*ret = (struct key){ .pkey = pkey, .token = engine };
	return 0;
}
