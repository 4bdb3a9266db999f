import '@xterm/xterm/css/xterm.css'

import { CanvasAddon } from '@xterm/addon-canvas'
import { FitAddon } from '@xterm/addon-fit'
import { Unicode11Addon } from '@xterm/addon-unicode11'
import { WebLinksAddon } from '@xterm/addon-web-links'
import { WebglAddon } from '@xterm/addon-webgl'
import { Terminal } from '@xterm/xterm'

import { copyText } from '../ui/copy-text.ts'
import { safeHref } from '../ui/safe-href.ts'
import type { TerminalSize } from './terminal-connection.ts'
import { terminalTheme } from './terminal-theme.ts'
import { xtermDocument } from './xterm-document.ts'

const SCROLLBACK = 10_000
/** Text that a program may put on the clipboard (UI-906). */
const MAX_CLIPBOARD = 1024 * 1024
const APPLE = /Mac|iPhone|iPad/.test(navigator.platform)

interface ScreenOptions {
  readonly onInput: (text: string) => void
  readonly onResize: (size: TerminalSize) => void
  /** Several lines were pasted into a program that would run them at once: whether to go on (UI-906). */
  readonly confirmPaste: (text: string) => Promise<boolean>
  /** Focus is to leave the terminal (UI-1802). */
  readonly onLeave: () => void
  readonly fontSize: number
  /** As style sheets name it, with what takes its place. */
  readonly fontFamily: string
}

/** The drawn terminal: xterm with its renderers, size, clipboard and links. Disposing it leaves nothing behind. */
export class TerminalScreen implements Disposable {
  readonly #terminal: Terminal
  readonly #fit = new FitAddon()
  readonly #container: HTMLElement
  readonly #options: ScreenOptions
  readonly #cleanup = new DisposableStack()
  #webgl: WebglAddon | undefined
  /** What is marked is copied at once (UI-906). */
  copyOnSelect = false

  constructor(container: HTMLElement, options: ScreenOptions) {
    this.#container = container
    this.#options = options
    const sheets: CSSStyleSheet[] = []
    this.#terminal = new Terminal({
      allowProposedApi: true,
      documentOverride: xtermDocument(sheets),
      theme: terminalTheme(),
      fontFamily: options.fontFamily,
      fontSize: options.fontSize,
      lineHeight: 1.2,
      cursorBlink: !window.matchMedia('(prefers-reduced-motion: reduce)').matches,
      scrollback: SCROLLBACK,
      macOptionIsMeta: true,
      minimumContrastRatio: 3,
    })
    this.#cleanup.defer(() => {
      document.adoptedStyleSheets = document.adoptedStyleSheets.filter((sheet) => !sheets.includes(sheet))
    })
    this.#cleanup.defer(() => this.#terminal.dispose())
    this.#cleanup.defer(() => this.#dropWebgl())
    this.#terminal.loadAddon(this.#fit)
    this.#terminal.loadAddon(new Unicode11Addon())
    this.#terminal.unicode.activeVersion = '11'
    this.#terminal.loadAddon(new WebLinksAddon(openLink))
    this.#terminal.open(container)
    this.#draw()
    this.#terminal.onData(options.onInput)
    this.#terminal.onBinary(options.onInput)
    this.#terminal.attachCustomKeyEventHandler((event) => this.#onKey(event))
    this.#terminal.parser.registerOscHandler(52, (text) => writeClipboard(text))
    container.addEventListener('paste', this.#onPaste, true)
    this.#cleanup.defer(() => container.removeEventListener('paste', this.#onPaste, true))
    // Once, when the mouse is let go: a selection changes with every step of it.
    const onMouseUp = () => {
      if (this.copyOnSelect) this.copy()
    }
    container.addEventListener('mouseup', onMouseUp)
    this.#cleanup.defer(() => container.removeEventListener('mouseup', onMouseUp))
    const observer = new ResizeObserver(() => this.fit())
    observer.observe(container)
    this.#cleanup.defer(() => observer.disconnect())
    // Its maker does not have the screen yet; it asks for the size when it connects.
    this.#fillContainer()
  }

  get size(): TerminalSize {
    return { width: this.#terminal.cols, height: this.#terminal.rows }
  }

  /** Fills the container; a hidden one is left alone (UI-903). */
  fit(): void {
    if (this.#fillContainer()) this.#options.onResize(this.size)
  }

  #fillContainer(): boolean {
    if (this.#container.offsetWidth === 0 || this.#container.offsetHeight === 0) return false
    this.#fit.fit()
    return true
  }

  /** Draws output; `done` when it is on screen. */
  write(data: Uint8Array, done: () => void): void {
    this.#terminal.write(data, done)
  }

  /** Empties screen and scrollback. */
  reset(): void {
    this.#terminal.reset()
  }

  focus(): void {
    this.#terminal.focus()
  }

  set readOnly(readOnly: boolean) {
    this.#terminal.options.disableStdin = readOnly
  }

  set fontSize(size: number) {
    this.#terminal.options.fontSize = size
    this.fit()
  }

  set fontFamily(family: string) {
    // The same name again would not be measured again, though the font may have come only now.
    this.#terminal.options.fontFamily = 'monospace'
    this.#terminal.options.fontFamily = family
    this.fit()
  }

  /** The theme changed: takes its colours. */
  refreshTheme(): void {
    this.#terminal.options.theme = terminalTheme()
  }

  /** Puts text in as if it had been typed, in brackets where the program asks for them. */
  paste(text: string): void {
    void this.#paste(text)
  }

  /** Copies what is selected; answers whether there was anything. */
  copy(): boolean {
    const text = this.#terminal.getSelection()
    if (text === '') return false
    void copyText(text)
    return true
  }

  [Symbol.dispose](): void {
    this.#cleanup.dispose()
  }

  /** WebGL, else canvas, else the DOM; losing the context costs the renderer and not the screen (UI-905). */
  #draw(): void {
    try {
      const webgl = new WebglAddon()
      webgl.onContextLoss(() => {
        this.#dropWebgl()
        this.#drawOnCanvas()
      })
      this.#terminal.loadAddon(webgl)
      this.#webgl = webgl
    } catch {
      this.#drawOnCanvas()
    }
  }

  /** At last it asks this version of xterm for something that only later ones have; all else is given back by then. */
  #dropWebgl(): void {
    try {
      this.#webgl?.dispose()
    } catch (error) {
      if (!(error instanceof TypeError)) throw error
    }
    this.#webgl = undefined
  }

  #drawOnCanvas(): void {
    try {
      this.#terminal.loadAddon(new CanvasAddon())
    } catch {
      // The DOM renderer is there anyway.
    }
  }

  #onKey(event: KeyboardEvent): boolean {
    if (event.type !== 'keydown') return true
    const control = APPLE ? event.metaKey && !event.ctrlKey : event.ctrlKey && event.shiftKey
    if (control && event.code === 'KeyC' && this.copy()) {
      event.preventDefault()
      return false
    }
    // The browser pastes by itself, through the paste event.
    if (control && event.code === 'KeyV') return false
    if (event.key === 'Escape' && event.ctrlKey && event.shiftKey) {
      event.preventDefault()
      this.#options.onLeave()
      return false
    }
    if (event.key === 'Enter' && event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault()
      this.#options.onInput('\x1b\r')
      return false
    }
    return true
  }

  readonly #onPaste = (event: ClipboardEvent): void => {
    const text = event.clipboardData?.getData('text/plain') ?? ''
    if (!/[\r\n]/.test(text.trimEnd()) || this.#terminal.modes.bracketedPasteMode) return
    event.preventDefault()
    event.stopImmediatePropagation()
    void this.#paste(text)
  }

  async #paste(text: string): Promise<void> {
    const runs = /[\r\n]/.test(text.trimEnd()) && !this.#terminal.modes.bracketedPasteMode
    if (!runs || (await this.#options.confirmPaste(text))) this.#terminal.paste(text)
    this.focus()
  }
}

/** Only the web and mail, and never with a way back to this page (UI-908). */
function openLink(event: MouseEvent, address: string): void {
  if (!event.metaKey && !event.ctrlKey) return
  const href = safeHref(address)
  if (href !== undefined) window.open(href, '_blank', 'noopener,noreferrer')
}

/** OSC 52: a program sets the clipboard. It is never told what is on it. */
function writeClipboard(text: string): boolean {
  const encoded = text.slice(text.indexOf(';') + 1)
  if (encoded === '?' || encoded.length > MAX_CLIPBOARD * 1.4) return true
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0))
    if (bytes.byteLength <= MAX_CLIPBOARD) void copyText(new TextDecoder().decode(bytes))
  } catch {
    // Not base64: nothing to copy.
  }
  return true
}
