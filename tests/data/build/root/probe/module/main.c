int module;
