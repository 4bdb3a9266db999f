import { createWriteStream } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import path from 'node:path'

import { describeError, type Logger } from '@slipway/request-log'
import { maskSecret } from '../../ai-providers/index.ts'
import type { AnswerBody, AnswerHeaders, UpstreamAnswer } from '../answers/upstream.ts'
import type { Unsigned } from '../keys/credentials.ts'

/** Headers of which only the ends are written. */
const SECRET = new Set([
  'api-key',
  'authorization',
  'cookie',
  'proxy-authorization',
  'x-amz-security-token',
  'x-api-key',
  'x-auth-token',
  'x-coder-ai-governance-token',
  'x-goog-api-key',
  'set-cookie',
  'www-authenticate',
  'proxy-authenticate',
])
/** Bytes of one answer that may wait for the disk; what comes meanwhile is left out. */
const MAX_BEHIND = 8 * 1024 * 1024
const MAX_NAME = 128

/** What a request is written down as. */
export interface Dumped {
  /** Of its record. */
  readonly id: string
  /** Undefined where it is relayed only. */
  readonly model: string | undefined
}

/**
 * Writes down what goes to providers and what comes back, for finding faults (AG-125): bodies as they are, so that the
 * folder must be guarded like the database. What cannot be written is told of, and holds nothing up.
 */
export class Dumps {
  readonly #directory: string
  readonly #log: Logger
  readonly #now: () => number

  /** @param now in milliseconds since 1970. */
  constructor(directory: string, log: Logger, now: () => number) {
    this.#directory = directory
    this.#log = log
    this.#now = now
  }

  /** Sends a request and writes it down, with its answer as that is read. Rejects as `send` does. */
  async around(
    { id, model }: Dumped,
    providerName: string,
    sent: Unsigned,
    send: () => Promise<UpstreamAnswer>,
  ): Promise<UpstreamAnswer> {
    const folder = path.join(
      this.#directory,
      fileName(providerName),
      model === undefined ? 'passthrough' : fileName(model),
    )
    const file = path.join(folder, `${this.#now()}-${id}`)
    const { method, url, headers, body } = sent
    const head = `${method} ${url.href} HTTP/1.1\r\n${headerLines(headers)}\r\n`
    try {
      await mkdir(folder, { recursive: true, mode: 0o700 })
    } catch (error) {
      this.#failed(folder, error)
      return send()
    }
    await this.#write(`${file}.req.txt`, Buffer.concat([Buffer.from(head), body ?? new Uint8Array()]))
    let answer: UpstreamAnswer
    try {
      answer = await send()
    } catch (error) {
      await this.#write(`${file}.req_error.txt`, `${describeError(error)}\n`)
      throw error
    }
    return { ...answer, body: this.#copied(answer, `${file}.resp.txt`) }
  }

  async #write(file: string, content: string | Uint8Array): Promise<void> {
    try {
      await writeFile(file, content, { mode: 0o600 })
    } catch (error) {
      this.#failed(file, error)
    }
  }

  /** A body that is written down while it is read; the file ends with it. */
  #copied({ status, headers, body }: UpstreamAnswer, file: string): AnswerBody {
    const copy = createWriteStream(file, { mode: 0o600 })
    copy.on('error', (error) => this.#failed(file, error))
    copy.write(`HTTP/1.1 ${status}\r\n${headerLines(headers)}\r\n`)
    async function* read(): AsyncGenerator<Uint8Array> {
      try {
        for await (const piece of body) {
          if (copy.writable && copy.writableLength < MAX_BEHIND) copy.write(piece)
          yield piece
        }
      } finally {
        copy.end()
      }
    }
    return {
      [Symbol.asyncIterator]: read,
      destroy: (error) => {
        copy.end()
        return body.destroy(error)
      },
    }
  }

  #failed(file: string, error: unknown): void {
    this.#log.warn('a request to a model could not be dumped; see --ai-gateway-dump-dir', {
      file,
      error: describeError(error),
    })
  }
}

/** A name of one file or folder, whatever clients call their model. */
function fileName(name: string): string {
  const safe = name.replace(/[/\p{Cc}]/gu, '-').slice(0, MAX_NAME)
  return /^\.*$/.test(safe) ? '-' : safe
}

function headerLines(headers: AnswerHeaders): string {
  return Object.entries(headers)
    .flatMap(([name, values = []]) => [values].flat().map((value) => [name, value] as const))
    .map(([name, value]) => `${name}: ${SECRET.has(name.toLowerCase()) ? maskSecret(value) : value}\r\n`)
    .join('')
}
