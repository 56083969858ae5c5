/**
 * ONNX Runtime's Linux builds hold code that reports over HTTPS how they are used. To be imported before
 * anything that loads it, on the main thread: the library reads the process's environment, of which other
 * threads have a copy.
 */
process.env["ORT_DISABLE_TELEMETRY"] ??= "1";
