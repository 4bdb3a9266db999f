import type { ClientHttp2Stream } from 'node:http2'

interface Item {
  readonly chunk: unknown
  readonly encoding: BufferEncoding
}

/**
 * Makes texts bytes before they are handed to HTTP/2, in place. Node 24 frees the memory of texts that are
 * written together with other chunks before a session that runs on a stream of JavaScript has sent them: the
 * first bytes of a request head then arrive as garbage. Bytes are kept alive until they are sent.
 */
export function bytesOnly<S extends ClientHttp2Stream>(stream: S): S {
  const writev = stream._writev?.bind(stream)
  if (writev === undefined)
    throw new Error('an HTTP/2 stream of this Node cannot write several chunks at once')
  const send = (items: readonly Item[], done: (error?: Error | null) => void): void => {
    const batch = items.map(({ chunk, encoding }) => ({
      chunk: typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk,
      encoding,
    }))
    // The flag is how Writable marks batches that hold no text.
    writev(Object.assign(batch, { allBuffers: true }), done)
  }
  stream._write = (chunk, encoding, done) => send([{ chunk, encoding }], done)
  stream._writev = send
  return stream
}
