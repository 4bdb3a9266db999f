import type { AIPrivacyLevel } from '@slipway/contract'
import type { ModelProvider } from '../../ai-providers/index.ts'
import type { Span, Tracing } from '../../tracing/index.ts'
import type { Ending, ToolCall } from '../recording/ending.ts'
import type { EndedRecord } from '../recording/stored-record.ts'

/** Characters of what a tool is given (AG-124). */
const MAX_INPUT = 100

/** Names of providers as the conventions for generative AI have them. */
const SYSTEMS: Readonly<Record<string, string>> = {
  anthropic: 'anthropic',
  azure: 'azure.ai.openai',
  bedrock: 'aws.bedrock',
  google: 'gcp.gemini',
  openai: 'openai',
}

/** The trace of one request to a model (AG-124, AG-B22). */
export class InterceptTrace {
  readonly #span: Span
  #creating: Span | undefined
  #processing: Span | undefined
  #over = false

  /** @param tracing undefined while there is none; then there is no trace either. */
  static begin(
    tracing: Tracing | undefined,
    request: {
      readonly provider: ModelProvider
      readonly route: string
      readonly initiatorId: string
      readonly headers: Readonly<Record<string, string>>
    },
  ): InterceptTrace | undefined {
    if (tracing === undefined) return undefined
    const { provider, route, initiatorId, headers } = request
    return new InterceptTrace(
      tracing.span(
        'Intercept',
        {
          request_path: route,
          user_id: initiatorId,
          provider: provider.name,
          aws_bedrock: provider.bedrock !== undefined,
          ...(provider.bedrock === undefined ? {} : { aws_bedrock_protocol: provider.bedrock.protocol }),
          'gen_ai.operation.name': 'chat',
          'gen_ai.provider.name': SYSTEMS[provider.type] ?? provider.type,
        },
        headers.traceparent,
      ),
    )
  }

  private constructor(span: Span) {
    this.#span = span
    this.#creating = span.child('Intercept.CreateInterceptor')
  }

  /** Notes what is asked, and that it is being worked on from now. */
  asked(of: { readonly interceptionId: string; readonly model: string; readonly streaming: boolean }): void {
    this.#span.set({
      interception_id: of.interceptionId,
      model: of.model,
      streaming: of.streaming,
      'gen_ai.request.model': of.model,
    })
    this.#creating?.end()
    this.#creating = undefined
    this.#processing = this.#span.child('Intercept.ProcessRequest')
  }

  /** Does a piece of the work. Rejects as the work does. */
  during<Result>(name: string, work: () => Promise<Result>): Promise<Result> {
    return (
      name.startsWith('Intercept.ProcessRequest.') ? (this.#processing ?? this.#span) : this.#span
    ).during(name, work)
  }

  /** For what is asked of the provider. */
  get traceparent(): string {
    return (this.#processing ?? this.#span).traceparent
  }

  /** Notes what is being stored; disposing the result notes that it is. */
  recording({ tokens, prompts, tools, thoughts }: EndedRecord): Disposable {
    const spans = [
      ...tokens.map(() => 'TokenUsage'),
      ...prompts.map(() => 'PromptUsage'),
      ...tools.map(() => 'ToolUsage'),
      ...thoughts.map(() => 'ModelThought'),
      'InterceptionEnded',
    ].map((kind) => this.#span.child(`Intercept.Record${kind}`))
    return {
      [Symbol.dispose]: () => {
        for (const span of spans) span.end()
      },
    }
  }

  /** Notes how it went, when all of the answer has passed. */
  answered({ answerer, observation, earlier, failure }: Ending): void {
    const usages = [...earlier, observation].flatMap(({ usage }) => usage ?? [])
    const total = (count: (usage: (typeof usages)[number]) => number): number | undefined =>
      usages.length === 0 ? undefined : usages.reduce((sum, usage) => sum + count(usage), 0)
    this.#span.set({
      provider: answerer.providerName,
      'gen_ai.response.model': answerer.model,
      'gen_ai.response.id': observation.responseId === '' ? undefined : observation.responseId,
      'gen_ai.usage.input_tokens': total(
        ({ input, cacheRead, cacheWrite }) => input + cacheRead + cacheWrite,
      ),
      'gen_ai.usage.output_tokens': total(({ output }) => output),
      'gen_ai.usage.cache_read.input_tokens': total(({ cacheRead }) => cacheRead),
      'gen_ai.usage.cache_creation.input_tokens': total(({ cacheWrite }) => cacheWrite),
    })
    if (failure !== undefined) {
      this.#span.fail(failure.type)
      this.#processing?.fail(failure.type)
    }
    this.#processing?.end()
    this.#processing = undefined
  }

  /** Notes a tool that the gateway calls; the result notes that it has answered, and how that failed. */
  calling(
    { tool, serverName, serverUrl, input }: ToolCall,
    privacy: AIPrivacyLevel,
  ): (error: string | undefined) => void {
    const span = (this.#processing ?? this.#span).child('Intercept.ProcessRequest.ToolCall', {
      mcp_tool_name: tool,
      mcp_server_name: serverName,
      mcp_server_url: serverUrl,
      ...(privacy === 'full' ? { mcp_input: input.slice(0, MAX_INPUT) } : {}),
    })
    return (error) => {
      if (error !== undefined) span.fail('tool_error')
      span.end()
    }
  }

  /** Ends it. */
  end(): void {
    this.#over = true
    this.#creating?.end()
    this.#processing?.end()
    this.#span.end()
  }

  /** Ends what never began to be recorded. */
  refused(error: unknown): void {
    if (this.#over) return
    this.#span.fail(error instanceof Error ? error.name : 'error')
    this.end()
  }
}
