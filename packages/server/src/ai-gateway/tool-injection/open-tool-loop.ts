import { bodyText } from '../wires/json.ts'
import type { RequestFacts } from '../wires/request-facts.ts'
import type { Wire } from '../wires/wire.ts'
import type { InjectedTools } from './injected-tools.ts'
import { clientTools, type LoopNotes, ToolLoop, talkOf } from './tool-loop.ts'

/** Where the tools come from that requests get; without any, requests pass as they are. */
export class ToolInjection {
  #tools: InjectedTools | undefined

  /** Lets requests have tools from now on; undefined leaves them without. */
  use(tools: InjectedTools | undefined): void {
    this.#tools = tools
  }

  /**
   * What carries a request with tools in it; undefined where none are injected, which costs nothing for deployments
   * without sources.
   *
   * @throws the reason of the signal.
   */
  async open(
    notes: LoopNotes,
    request: {
      readonly wire: Wire
      readonly body: Uint8Array
      readonly facts: RequestFacts
      readonly initiatorId: string
      readonly apiKeyId: string | undefined
      /** Undefined for callers in this process, who bring tools of their own. */
      readonly token?: string
      readonly signal: AbortSignal
      readonly screen: ((text: string) => string) | undefined
    },
  ): Promise<ToolLoop | undefined> {
    const { wire, facts, initiatorId, apiKeyId, token, signal, screen } = request
    if (this.#tools === undefined || token === undefined || apiKeyId === undefined) return undefined
    const of = { wire, stream: facts.stream, model: facts.model }
    if (talkOf(of, []) === undefined) return undefined
    const lease = await this.#tools.lease({ userId: initiatorId, keyId: apiKeyId, token })
    if (lease === undefined) return undefined
    if (signal.aborted) {
      lease[Symbol.dispose]()
      throw signal.reason
    }
    const body = bodyText(request.body)
    const theirs = clientTools(body)
    const tools = lease.tools.filter(({ name }) => !theirs.has(name))
    const talk = talkOf(of, tools)
    if (tools.length === 0 || talk === undefined) {
      lease[Symbol.dispose]()
      return undefined
    }
    return new ToolLoop({ ...of, body, lease, notes, signal, screen }, talk, tools)
  }

  /** Whether any request may get tools. */
  get isOn(): boolean {
    return this.#tools !== undefined
  }
}
