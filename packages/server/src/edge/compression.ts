import { brotliCompressSync, constants, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib'

/**
 * Content codings of pages and files (ID-138), the one that makes them smallest first. Answers of the API are not
 * compressed: they hold secrets beside text that others may have written, and their length would tell about both.
 */
export const CODINGS = ['br', 'zstd', 'gzip', 'deflate'] as const
export type Coding = (typeof CODINGS)[number]

/** More members than any client sends are not read. */
const LARGEST_LIST = 32
const WEIGHT = /^q=(0(?:\.\d{0,3})?|1(?:\.0{0,3})?)$/i

/**
 * The coding that a client wants most, by its `Accept-Encoding` (RFC 9110 §12.5.3); among equals the first of ours.
 * `undefined` stands for none.
 */
export function codingFor(accepted: string | undefined): Coding | undefined {
  if (accepted === undefined || accepted === '') return undefined
  const weights = new Map<string, number>()
  for (const member of accepted.split(',', LARGEST_LIST)) {
    const [name = '', ...parameters] = member.split(';').map((part) => part.trim())
    const weight = parameters.length === 0 ? '1' : WEIGHT.exec(parameters[0] ?? '')?.[1]
    // A weight that cannot be read asks for nothing.
    weights.set(name.toLowerCase(), weight === undefined ? 0 : Number(weight))
  }
  const gzip = weights.get('gzip') ?? weights.get('x-gzip')
  if (gzip !== undefined) weights.set('gzip', gzip)
  const wanted = (coding: string): number => weights.get(coding) ?? weights.get('*') ?? 0
  let best: Coding | undefined
  for (const coding of CODINGS) if (wanted(coding) > (best === undefined ? 0 : wanted(best))) best = coding
  const plain = weights.get('identity')
  return best !== undefined && plain !== undefined && plain > wanted(best) ? undefined : best
}

/** Whether something of this type is worth compressing: text, applications and images (ID-138). */
export function isCompressible(contentType: string): boolean {
  return /^(?:text|application|image)\//.test(contentType)
}

/** A body in a coding. Takes about 50 µs for a page; larger things are to be kept. */
export function compress(coding: Coding, body: Buffer): Buffer {
  switch (coding) {
    case 'br':
      return brotliCompressSync(body, {
        params: {
          [constants.BROTLI_PARAM_QUALITY]: 5,
          [constants.BROTLI_PARAM_SIZE_HINT]: body.byteLength,
        },
      })
    case 'zstd':
      return zstdCompressSync(body)
    case 'gzip':
      return gzipSync(body)
    case 'deflate':
      return deflateSync(body)
  }
}
