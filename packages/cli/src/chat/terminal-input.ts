import { createInterface, type Interface } from 'node:readline'
import { Writable } from 'node:stream'

/** Lines that come together, as pasted ones do, are one message: within so many milliseconds. */
const TOGETHER_MS = 30
/** As much as the server takes in one message, in characters. */
const MAX_CHARACTERS = 256 * 1024
const PROMPT = '> '
const FURTHER = '… '

/** What somebody at a terminal types, message by message; a line that ends in a backslash goes on in the next one. */
export class TerminalInput implements Disposable {
  readonly #lines: Interface
  readonly #echo: Echo
  readonly #onMessage: (text: string) => void
  #message: string[] = []
  #characters = 0
  #timer: NodeJS.Timeout | undefined
  #ended = false

  constructor(handlers: {
    readonly onMessage: (text: string) => void
    readonly onInterrupt: () => void
    readonly onEnd: () => void
  }) {
    this.#onMessage = handlers.onMessage
    this.#echo = new Echo()
    this.#lines = createInterface({
      input: process.stdin,
      output: this.#echo,
      terminal: process.stdin.isTTY === true,
      prompt: PROMPT,
    })
    this.#lines.on('line', (line) => this.#line(line))
    this.#lines.on('SIGINT', handlers.onInterrupt)
    this.#lines.once('close', () => {
      this.#ended = true
      this.#flush()
      handlers.onEnd()
    })
  }

  /** Lets somebody type; what they have typed ahead is shown. */
  ask(): void {
    if (this.#ended) return
    this.#echo.silent = false
    this.#lines.prompt(true)
  }

  /** Shows nothing of what is typed from now on: something else is written. */
  hush(): void {
    this.#echo.silent = true
  }

  /** Forgets the line that is being typed. */
  clear(): void {
    this.#message = []
    this.#characters = 0
    if (this.#ended) return
    this.#lines.write(null, { ctrl: true, name: 'e' })
    this.#lines.write(null, { ctrl: true, name: 'u' })
  }

  #line(line: string): void {
    clearTimeout(this.#timer)
    this.#characters += line.length + 1
    if (this.#characters <= MAX_CHARACTERS) this.#message.push(line)
    if (line.endsWith('\\')) {
      this.#lines.setPrompt(FURTHER)
      this.#lines.prompt()
      return
    }
    this.#timer = setTimeout(() => this.#flush(), TOGETHER_MS)
  }

  #flush(): void {
    clearTimeout(this.#timer)
    const [text, size] = [this.#message.join('\n').replace(/\\\n/g, '\n').trim(), this.#characters]
    this.#message = []
    this.#characters = 0
    this.#lines.setPrompt(PROMPT)
    if (size > MAX_CHARACTERS) process.stderr.write('This is longer than a message may be.\n')
    else if (size > 0) this.#onMessage(text)
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer)
    this.#lines.close()
  }
}

/** Where the terminal shows what is typed. */
class Echo extends Writable {
  silent = false

  /** What the line editor breaks lines by. */
  get columns(): number {
    return process.stdout.columns
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: () => void): void {
    if (!this.silent) process.stdout.write(chunk)
    done()
  }
}
