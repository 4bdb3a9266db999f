import type { Http2Session, Settings } from 'node:http2'

/** Streams that one side may hold open at the same time. */
const MAX_STREAMS = 1_000
/** Large windows: a byte stream must not wait for the other end on a link with latency. */
const STREAM_WINDOW = 4 * 1024 * 1024
const SESSION_WINDOW = 32 * 1024 * 1024

/** Settings of both ends. */
export const SETTINGS: Settings = {
  enablePush: false,
  enableConnectProtocol: false,
  initialWindowSize: STREAM_WINDOW,
  maxConcurrentStreams: MAX_STREAMS,
  maxFrameSize: 256 * 1024,
  maxHeaderListSize: 32 * 1024,
}

/** Gives a session its window once it is connected. */
export function widen(session: Http2Session): void {
  session.setLocalWindowSize(SESSION_WINDOW)
}
