import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import path from 'node:path'

import type { FastifyReply, FastifyRequest } from 'fastify'

import { type Coding, codingFor, compress, isCompressible } from '../edge/index.ts'

const YEAR_SECONDS = 31_536_000
/** Suffixes of what the build has compressed already (L-8). */
const BUILT: Partial<Record<Coding, string>> = { br: '.br', gzip: '.gz' }
const TYPES: Readonly<Record<string, string>> = {
  '.css': 'text/css; charset=utf-8',
  '.gif': 'image/gif',
  '.html': 'text/html; charset=utf-8',
  '.ico': 'image/x-icon',
  '.jpg': 'image/jpeg',
  '.js': 'text/javascript; charset=utf-8',
  '.json': 'application/json; charset=utf-8',
  '.map': 'application/json; charset=utf-8',
  '.md': 'text/markdown; charset=utf-8',
  '.png': 'image/png',
  '.svg': 'image/svg+xml',
  '.ttf': 'font/ttf',
  '.txt': 'text/plain; charset=utf-8',
  '.wasm': 'application/wasm',
  '.webmanifest': 'application/manifest+json',
  '.webp': 'image/webp',
  '.woff2': 'font/woff2',
  '.xml': 'application/xml; charset=utf-8',
}

/** A file in one coding, as it is kept. */
interface Variant {
  readonly body: Buffer
  readonly etag: string
}

/**
 * The files of the built dashboard, compressed as the client likes it (ID-138). What the build has not compressed is
 * compressed once, when it is first asked for, and kept: at most each file in each coding, all of them from one folder
 * that does not grow.
 */
export class StaticFiles {
  readonly #folder: string
  readonly #names: ReadonlySet<string>
  readonly #kept = new Map<string, Promise<Variant | undefined>>()

  private constructor(folder: string, names: ReadonlySet<string>) {
    this.#folder = folder
    this.#names = names
  }

  /** @throws Error when the folder cannot be read. */
  static async in(folder: string): Promise<StaticFiles> {
    const names = (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))
    return new StaticFiles(folder, new Set(names.map((name) => `/${name.split(path.sep).join('/')}`)))
  }

  /** Whether a path names a file that is served under it. */
  has(url: string): boolean {
    return this.#names.has(url) && path.extname(url) !== ''
  }

  /** Answers with a file that is there. */
  async send(request: FastifyRequest, reply: FastifyReply, url: string): Promise<FastifyReply> {
    // Names under assets/ hold a digest of their content.
    const assets = url.startsWith('/assets/')
    const caching = { maxAge: assets ? YEAR_SECONDS * 1000 : 0, immutable: assets }
    const type = TYPES[path.extname(url)] ?? 'application/octet-stream'
    reply.type(type)
    if (!isCompressible(type))
      return reply.sendFile(url.slice(1), this.#folder, { ...caching, contentType: false })
    reply.header('Vary', 'Accept-Encoding')
    const coding = codingFor(request.headers['accept-encoding'])
    const suffix = coding === undefined ? undefined : BUILT[coding]
    const built = suffix !== undefined && this.#names.has(url + suffix)
    const variant = coding === undefined || built ? undefined : await this.#variant(url, coding)
    if (variant === undefined || coding === undefined) {
      if (built) reply.header('Content-Encoding', coding)
      return reply.sendFile(`${url.slice(1)}${built ? suffix : ''}`, this.#folder, {
        ...caching,
        contentType: false,
      })
    }
    reply
      .header('Cache-Control', assets ? `public, max-age=${YEAR_SECONDS}, immutable` : 'public, max-age=0')
      .header('ETag', variant.etag)
      .header('Content-Encoding', coding)
    const known = request.headers['if-none-match']?.split(',').map((tag) => tag.trim().replace(/^W\//, ''))
    if (known?.includes(variant.etag) === true) return reply.code(304).send()
    return reply.send(variant.body)
  }

  /** A file in a coding; none when that would not make it smaller. */
  #variant(url: string, coding: Coding): Promise<Variant | undefined> {
    const name = `${coding} ${url}`
    let kept = this.#kept.get(name)
    if (kept === undefined) {
      kept = readFile(path.join(this.#folder, url)).then((plain) => {
        const body = compress(coding, plain)
        if (body.byteLength >= plain.byteLength) return undefined
        const digest = createHash('sha256').update(body).digest('base64url').slice(0, 22)
        return { body, etag: `"${digest}"` }
      })
      this.#kept.set(name, kept)
      kept.catch(() => this.#kept.delete(name))
    }
    return kept
  }
}
