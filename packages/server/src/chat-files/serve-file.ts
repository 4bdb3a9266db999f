import type { FastifyReply, FastifyRequest } from 'fastify'

import type { Actor } from '../authz/index.ts'
import type { Db } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { dispositionOf } from './file-name.ts'
import { type ByteRange, type ChatFileInfo, readFileBytes } from './store/files.ts'

/**
 * Answers with a file, or with the part of it that is asked for (RFC 9110, sections 13 and 14). It is shown in the page
 * unless browsers would run something of it, and never as anything but what it is (CH-442).
 *
 * @param caching value of `Cache-Control`.
 * @throws ApiError 404 when it is gone meanwhile, 416 for a part that it does not have.
 */
export async function serveFile(
  actor: Actor,
  db: Db,
  file: ChatFileInfo,
  { raw, reply }: { readonly raw: FastifyRequest; readonly reply: FastifyReply },
  caching: string,
): Promise<void> {
  const tag = `"${file.sha256.toString('hex')}"`
  const isKnown = names(raw.headers['if-none-match'], tag)
  const condition = raw.headers['if-range']
  const range =
    !isKnown && (condition === undefined || condition === tag)
      ? rangeOf(raw.headers.range, file.size_bytes)
      : undefined
  const data = isKnown ? undefined : await readFileBytes(actor, db, file.id, range)
  // Not before: what fails has to be answered as what it is, and not be kept for ever.
  reply.headers({
    'Content-Disposition': dispositionOf(
      file.mimetype === 'application/pdf' ? 'attachment' : 'inline',
      file.name,
    ),
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; sandbox",
    'Cache-Control': caching,
    'Accept-Ranges': 'bytes',
    ETag: tag,
  })
  if (data === undefined) {
    await reply.code(304).send()
    return
  }
  reply.header(
    'Content-Type',
    file.mimetype.startsWith('text/') ? `${file.mimetype}; charset=utf-8` : file.mimetype,
  )
  if (range === undefined) reply.code(200)
  else
    reply
      .code(206)
      .header('Content-Range', `bytes ${range.start}-${range.start + range.length - 1}/${file.size_bytes}`)
  await reply.send(data)
}

/** Whether a list of entity tags holds this one; weak ones count (RFC 9110, section 13.1.2). */
function names(header: string | undefined, tag: string): boolean {
  return (header ?? '').split(',').some((one) => {
    const named = one.trim()
    return named === '*' || named.replace(/^W\//, '') === tag
  })
}

/**
 * The one range that a header asks for; undefined where the whole file is the answer, as it is to several ranges.
 *
 * @throws ApiError 416.
 */
function rangeOf(header: string | undefined, size: number): ByteRange | undefined {
  const [, first = '', last = ''] = /^bytes=(\d{0,15})-(\d{0,15})$/i.exec(header?.trim() ?? '') ?? []
  if (first === '' && last === '') return undefined
  const start = first === '' ? Math.max(0, size - Number(last)) : Number(first)
  const end = first === '' || last === '' ? size - 1 : Math.min(Number(last), size - 1)
  if (first !== '' && last !== '' && Number(last) < start) return undefined
  if (start >= size || (first === '' && Number(last) === 0))
    throw new ApiError(416, 'The file does not have this range.', {
      headers: { 'Content-Range': `bytes */${size}` },
    })
  return { start, length: end - start + 1 }
}
