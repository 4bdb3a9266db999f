import type { IncomingMessage } from 'node:http'

import { errorCodes } from 'fastify'

/**
 * Reads a body whole and tells it, or why there is none: it is longer than the limit, in bytes, or its client has left.
 * Most come in one piece, which is handed on as it is: the framework copies it, and that takes as long as to read a
 * small one as JSON.
 */
export function readBody(
  request: IncomingMessage,
  limit: number,
  done: (error: Error | null, bytes?: Buffer) => void,
): void {
  if (Number(request.headers['content-length']) > limit) {
    done(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE())
    return
  }
  const chunks: Buffer[] = []
  let length = 0
  const end = (error: Error | null): void => {
    request.off('data', take)
    request.off('end', whole)
    request.off('error', end)
    if (error !== null) done(error)
  }
  const take = (chunk: Buffer): void => {
    length += chunk.length
    if (length > limit) end(new errorCodes.FST_ERR_CTP_BODY_TOO_LARGE())
    else chunks.push(chunk)
  }
  const whole = (): void => {
    end(null)
    const [only] = chunks
    done(null, chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks, length))
  }
  request.on('data', take)
  request.on('end', whole)
  request.on('error', end)
}
