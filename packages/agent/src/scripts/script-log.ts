import { createWriteStream, type WriteStream } from 'node:fs'
import type { Readable } from 'node:stream'

const MAX_BYTES = 10 * 1024 * 1024

/**
 * The log file of a script in its workspace: the whole output up to 10 MiB. A log that cannot be written is no
 * reason to stop the script; its lines still reach the control plane.
 */
export class ScriptLog implements Disposable {
  readonly #file: WriteStream
  #room = MAX_BYTES

  constructor(path: string) {
    this.#file = createWriteStream(path, { flags: 'w', mode: 0o600 })
    this.#file.on('error', () => {
      this.#room = 0
      // Whoever waits for room waits no more.
      this.#file.emit('drain')
    })
  }

  /** Writes a piece of output; `source` waits while the disk is slower than the script. */
  write(chunk: Buffer, source: Readable): void {
    if (this.#room <= 0) return
    this.#room -= chunk.length
    if (this.#room < 0) {
      this.#file.write(chunk.subarray(0, this.#room))
      this.#file.write('\n… the log ends here, there was more output than is kept\n')
      return
    }
    if (this.#file.write(chunk)) return
    source.pause()
    this.#file.once('drain', () => source.resume())
  }

  [Symbol.dispose](): void {
    this.#file.end()
  }
}
