import http2 from "node:http2";

/** What may be on its way to us over one connection before we have said that we read it. */
const WINDOW_BYTES = 4 << 20;

/**
 * Makes HTTP/2 servers created while this is held take `bytes` at a time, per stream and per connection.
 *
 * grpc-js lets a client choose its windows but not a server (1.14: its server.js passes no such option on),
 * so whoever sends to one gets no further than HTTP/2's default of 64 KiB for each round trip: 3 MB/s at
 * 10 ms. It creates its servers while it binds, through the module object that is changed here; only
 * servers of this thread are touched.
 */
export function widenHttp2Windows(bytes = WINDOW_BYTES): Disposable {
  const { createServer, createSecureServer } = http2;
  const widened = <Options extends http2.ServerOptions, Server extends http2.Http2Server>(
    create: (options: Options) => Server,
  ) => {
    return (options: Options): Server => {
      const settings = { ...options.settings, initialWindowSize: bytes };
      const server = create({ ...options, settings });
      server.on("session", (session) => session.setLocalWindowSize(bytes));
      return server;
    };
  };
  Object.assign(http2, {
    createServer: widened<http2.ServerOptions, http2.Http2Server>(createServer),
    createSecureServer: widened<http2.SecureServerOptions, http2.Http2SecureServer>(
      createSecureServer,
    ),
  });
  return {
    [Symbol.dispose]: () => {
      Object.assign(http2, { createServer, createSecureServer });
    },
  };
}
