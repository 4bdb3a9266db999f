import type { DynamicParametersResponse, FriendlyDiagnostic, PreviewParameter } from '@slipway/contract'

/** What the form needs from the outside. */
export interface FormTransport {
  /** Sends a question over the open connection; false when there is none. */
  readonly send: (request: { readonly id: number; readonly inputs: Record<string, string> }) => boolean
  /** Runs a function later; answers how to prevent that. */
  readonly later: (run: () => void, milliseconds: number) => () => void
}

/** Where the form stands. */
export interface FormView {
  /** In the order of the form; undefined until the server has said what there is. */
  readonly parameters: readonly PreviewParameter[] | undefined
  /** What concerns no single parameter. */
  readonly diagnostics: readonly FriendlyDiagnostic[]
  /** The values on screen: what was typed, else what the server says. */
  readonly values: ReadonlyMap<string, string>
  /** The newest input has not been answered. */
  readonly validating: boolean
}

const TYPING_MS = 500
const EMPTY: FormView = { parameters: undefined, diagnostics: [], values: new Map(), validating: false }

/**
 * The state of a parameter form whose truth is evaluated by the server (UI-733 to UI-735): touched values go out with
 * growing ids, answers to older questions are dropped, what is on screen is never overwritten by them, and a new
 * connection gets everything that was touched.
 */
export class ParameterForm implements Disposable {
  readonly #touched = new Map<string, string>()
  readonly #transport: FormTransport
  readonly #listeners = new Set<() => void>()
  #view = EMPTY
  #asked = 0
  #answered = 0
  #cancel: (() => void) | undefined
  #waiting: (() => void)[] = []

  /** `initial` counts as touched: values from the address, of a preset, of an earlier build. */
  constructor(transport: FormTransport, initial: Readonly<Record<string, string>> = {}) {
    this.#transport = transport
    for (const [name, value] of Object.entries(initial)) this.#touched.set(name, value)
  }

  readonly view = (): FormView => this.#view

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The viewer changed a value; texts wait until typing pauses. */
  set(name: string, value: string, typing = false): void {
    this.setAll({ [name]: value }, typing)
  }

  /** Several at once, such as those of a preset. */
  setAll(values: Readonly<Record<string, string>>, typing = false): void {
    for (const [name, value] of Object.entries(values)) this.#touched.set(name, value)
    this.#cancel?.()
    if (typing) this.#cancel = this.#transport.later(() => this.#ask(), TYPING_MS)
    else this.#ask()
    this.#show({ validating: true })
  }

  /** A connection opened: what was touched is said again, under a new id. */
  opened(): void {
    if (this.#touched.size > 0) this.#ask()
  }

  /** Takes an answer of the server. Its first, without input, has id -1; one of `evaluate` has the id 0. */
  receive(response: DynamicParametersResponse): void {
    const unasked = response.id === -1
    // Before anything was touched the first state is the truth; later it is older than what was asked.
    if (unasked ? this.#touched.size > 0 && this.#view.parameters !== undefined : response.id < this.#asked)
      return
    if (!unasked) this.#answered = response.id
    const parameters = [...response.parameters].sort(
      (a, b) => a.order - b.order || a.name.localeCompare(b.name),
    )
    this.#show({ parameters, diagnostics: response.diagnostics, validating: this.#outstanding() })
    if (!this.#outstanding()) this.#release()
  }

  /** The id under which an answer of `POST …/evaluate` to the present values is taken. */
  question(): { readonly id: number; readonly inputs: Record<string, string> } {
    this.#cancel?.()
    this.#cancel = undefined
    return { id: ++this.#asked, inputs: Object.fromEntries(this.#touched) }
  }

  /** Resolves when the newest input has been answered (UI-734). */
  async settled(): Promise<void> {
    if (this.#cancel !== undefined) this.#ask()
    if (!this.#outstanding()) return
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  /** The values to submit: exactly those on screen. */
  submission(): { readonly name: string; readonly value: string }[] {
    return [...this.#view.values].map(([name, value]) => ({ name, value }))
  }

  [Symbol.dispose](): void {
    this.#cancel?.()
    this.#release()
    this.#listeners.clear()
  }

  #ask(): void {
    // A question that finds no connection is asked again when there is one.
    this.#transport.send(this.question())
    this.#show({ validating: true })
  }

  #outstanding(): boolean {
    return this.#cancel !== undefined || this.#answered < this.#asked
  }

  #release(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const resolve of waiting) resolve()
  }

  #show(change: Partial<FormView>): void {
    const next = { ...this.#view, ...change }
    const values = new Map<string, string>()
    for (const parameter of next.parameters ?? []) {
      if (parameter.form_type === 'error') continue
      const touched = this.#touched.get(parameter.name)
      if (touched !== undefined) values.set(parameter.name, touched)
      else if (parameter.value.valid) values.set(parameter.name, parameter.value.value)
    }
    this.#view = { ...next, values }
    for (const listener of this.#listeners) listener()
  }
}
