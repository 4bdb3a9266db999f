import { pipeline, Readable } from 'node:stream'
import {
  constants,
  createBrotliDecompress,
  createGunzip,
  createInflate,
  createZstdDecompress,
} from 'node:zlib'

import type { AnswerBody, UpstreamAnswer } from './upstream.ts'

/** Encodings of one answer. */
const MAX_ENCODINGS = 2

/** What takes an encoding away, handing over what it can as soon as it has come. */
function decoderOf(encoding: string) {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
      return createGunzip({ flush: constants.Z_SYNC_FLUSH })
    case 'deflate':
      return createInflate({ flush: constants.Z_SYNC_FLUSH })
    case 'br':
      return createBrotliDecompress({ flush: constants.BROTLI_OPERATION_FLUSH })
    case 'zstd':
      return createZstdDecompress({ flush: constants.ZSTD_e_flush })
    default:
      return undefined
  }
}

/**
 * An answer without an encoding that its provider, or something before it, has put around it although nobody asked for
 * one: otherwise its tokens would not be known, nor an error in it (AG-B4, AG-99). What is encoded in an unknown way, or
 * more than twice, stays as it is.
 */
export function decodedAnswer(answer: UpstreamAnswer, method: string): UpstreamAnswer {
  // Hardly any has one, and this is done for each.
  if (answer.headers['content-encoding'] === undefined) return answer
  const { 'content-encoding': named, 'content-length': length, ...headers } = answer.headers
  const encodings = [named ?? []].flat().join(',').toLowerCase().split(',')
  const given = encodings.map((encoding) => encoding.trim()).filter((one) => one !== '' && one !== 'identity')
  if (given.length === 0 || given.length > MAX_ENCODINGS) return answer
  if (method === 'HEAD' || length === '0' || answer.status === 204 || answer.status === 304) return answer
  const decoders = given.map(decoderOf).filter((decoder) => decoder !== undefined)
  const last = decoders[0]
  if (last === undefined || decoders.length < given.length) return answer
  // What goes wrong in one of them goes wrong for the reader of the last.
  pipeline([Readable.from(answer.body), ...decoders.toReversed()], () => undefined)
  // Whoever leaves it does not wait for the next piece.
  last.once('close', () => answer.body.destroy())
  return { status: answer.status, headers, body: last satisfies AnswerBody }
}
