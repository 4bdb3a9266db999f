/** A small request to a service of AWS. */
export interface AwsCall {
  readonly url: URL
  /** `GET` unless it is said. */
  readonly method?: 'GET' | 'POST' | 'PUT'
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly signal: AbortSignal
  /** Whether proxies of the environment are used; addresses of this machine are never behind one. */
  readonly proxied: boolean
}

/** Of an answer, in bytes. */
const MAX_ANSWER = 64 * 1024

/**
 * Sends a request in a connection of its own, so that it meets the service as it is now, and reads the whole answer.
 *
 * @throws Error for an answer that is no success, with what the service says of it.
 */
export async function awsCall(call: AwsCall): Promise<{ readonly body: string }> {
  const { Agent, EnvHttpProxyAgent, request } = await import('undici')
  const dispatcher = call.proxied ? new EnvHttpProxyAgent() : new Agent()
  try {
    const answer = await request(call.url, {
      dispatcher,
      method: call.method ?? 'GET',
      headers: call.headers ?? {},
      body: call.body ?? null,
      signal: call.signal,
    })
    let body = ''
    for await (const chunk of answer.body) {
      body += String(chunk)
      if (body.length > MAX_ANSWER) throw new Error(`${call.url.host} answers too much`)
    }
    if (answer.statusCode >= 300) {
      const said = /<Message>([^<]{1,300})/.exec(body)?.[1]
      throw new Error(`${call.url.host} answers ${answer.statusCode}${said === undefined ? '' : `: ${said}`}`)
    }
    return { body }
  } finally {
    await dispatcher.destroy()
  }
}
