ledger_PKGS := sqlite3
