import { isUtf8 } from 'node:buffer'
import path from 'node:path'

/** Types by the ending of the name, of what people and programs look at (IANA media types). */
const BY_EXTENSION: Readonly<Record<string, string>> = {
  '.avif': 'image/avif',
  '.bmp': 'image/bmp',
  '.css': 'text/css; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.gif': 'image/gif',
  '.gz': 'application/gzip',
  '.htm': 'text/html; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/vnd.microsoft.icon',
  '.jpeg': 'image/jpeg',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json',
  '.md': 'text/markdown; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.mp3': 'audio/mpeg',
  '.mp4': 'video/mp4',
  '.pdf': 'application/pdf',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.tar': 'application/x-tar',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.wav': 'audio/wav',
  '.webm': 'video/webm',
  '.webp': 'image/webp',
  '.xml': 'text/xml; charset=utf-8',
  '.zip': 'application/zip',
}
/** The end of a part of a file may lie within a character. */
const MAX_CUT_BYTES = 3

/** The media type of a file by its name, else by whether its bytes are text. */
export function mediaTypeOf(file: string, bytes: Uint8Array): string {
  const known = BY_EXTENSION[path.extname(file).toLowerCase()]
  if (known !== undefined) return known
  for (let cut = 0; cut <= Math.min(MAX_CUT_BYTES, bytes.length); cut += 1)
    if (!bytes.includes(0) && isUtf8(bytes.subarray(0, bytes.length - cut)))
      return 'text/plain; charset=utf-8'
  return 'application/octet-stream'
}
