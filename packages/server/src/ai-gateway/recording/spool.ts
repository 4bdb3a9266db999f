import { randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import path from 'node:path'

const SUFFIX = '.jsonl'
/** Of what is being written; left behind only by a process that was killed. */
const UNFINISHED = '.part'
const ABANDONED_MS = 3_600_000

/**
 * Records that wait on disk for the database, as files of lines of JSON. A file appears when it is whole and never
 * changes, so that any process may take it over; whoever has stored what is in it deletes it.
 */
export class Spool {
  readonly #directory: string
  readonly #maxBytes: number
  #bytes = 0
  #serial = 0

  /** @param maxBytes of all files together. */
  constructor(directory: string, maxBytes: number) {
    this.#directory = directory
    this.#maxBytes = maxBytes
  }

  /** Bytes on disk, as far as this process knows. */
  get bytes(): number {
    return this.#bytes
  }

  /**
   * Writes a file that is on disk when this resolves.
   *
   * @returns false where there is no room for it.
   * @throws Error of the file system.
   */
  async write(lines: readonly string[]): Promise<boolean> {
    const content = Buffer.from(lines.map((line) => `${line}\n`).join(''))
    if (this.#bytes + content.length > this.#maxBytes) return false
    // What is written meanwhile counts too.
    this.#bytes += content.length
    this.#serial += 1
    const order = `${String(Date.now()).padStart(15, '0')}-${String(this.#serial).padStart(9, '0')}`
    const file = path.join(this.#directory, `${order}-${randomUUID()}${SUFFIX}`)
    try {
      await mkdir(this.#directory, { recursive: true, mode: 0o700 })
      const handle = await open(file + UNFINISHED, 'wx', 0o600)
      try {
        await handle.writeFile(content)
        await handle.datasync()
      } finally {
        await handle.close()
      }
      await rename(file + UNFINISHED, file)
      return true
    } catch (error) {
      this.#bytes -= content.length
      await rm(file + UNFINISHED, { force: true }).catch(() => undefined)
      throw error
    }
  }

  /** Names of the files, the oldest first. @throws Error of the file system. */
  async list(): Promise<string[]> {
    const names = await readdir(this.#directory).catch(ifMissing<string[]>([]))
    const files: string[] = []
    let bytes = 0
    for (const name of names.toSorted()) {
      if (name.endsWith(SUFFIX)) {
        files.push(name)
        bytes += await this.#sizeOf(name)
      } else if (name.endsWith(UNFINISHED)) await this.#sweep(name)
    }
    this.#bytes = bytes
    return files
  }

  async #sizeOf(name: string): Promise<number> {
    return (await stat(path.join(this.#directory, name)).catch(ifMissing(undefined)))?.size ?? 0
  }

  async #sweep(name: string): Promise<void> {
    const file = path.join(this.#directory, name)
    const found = await stat(file).catch(ifMissing(undefined))
    if (found !== undefined && Date.now() - found.mtimeMs > ABANDONED_MS) await rm(file, { force: true })
  }

  /** Lines of a file; none when another process has stored and deleted it. @throws Error of the file system. */
  async read(name: string): Promise<string[]> {
    const content = await readFile(path.join(this.#directory, name), 'utf8').catch(ifMissing(''))
    return content.split('\n').filter((line) => line !== '')
  }

  /** Deletes a file. @throws Error of the file system. */
  async remove(name: string): Promise<void> {
    const size = await this.#sizeOf(name)
    await rm(path.join(this.#directory, name), { force: true })
    this.#bytes = Math.max(0, this.#bytes - size)
  }
}

function ifMissing<Value>(value: Value): (error: unknown) => Value {
  return (error) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return value
    throw error
  }
}
