import { once } from 'node:events'
import { createServer, type IncomingHttpHeaders } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'

import { AwsV4Signer } from 'aws4fetch'

/** A request that arrived at a service of AWS. */
export interface Arrived {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  /** Port of the connection at the other end: another one for another connection. */
  readonly port: number | undefined
}

interface Answer {
  readonly status?: number
  readonly body: string
}

/** Services of AWS that give out keys, over HTTP: what they answer is up to the test. */
export class FakeAws implements AsyncDisposable {
  readonly url: string
  readonly requests: Arrived[] = []
  answer: (request: Arrived) => Answer = () => ({ status: 404, body: '' })
  readonly #server: ReturnType<typeof createServer>

  private constructor(server: ReturnType<typeof createServer>) {
    this.#server = server
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    server.on('request', (request, response) => {
      void text(request).then((body) => {
        const arrived = {
          method: request.method ?? '',
          path: request.url ?? '',
          headers: request.headers,
          body,
          port: request.socket.remotePort,
        }
        this.requests.push(arrived)
        const answer = this.answer(arrived)
        response.writeHead(answer.status ?? 200).end(answer.body)
      })
    })
  }

  static async start(): Promise<FakeAws> {
    const server = createServer()
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    return new FakeAws(server)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    this.#server.close()
    await once(this.#server, 'close')
  }
}

/** What STS answers with new keys, which end at this time. */
export function stsAnswer(action: string, accessKeyId: string, expiration: Date): Answer {
  return {
    body: `<${action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><${action}Result><Credentials>
      <AccessKeyId>${accessKeyId}</AccessKeyId><SecretAccessKey>secret of ${accessKeyId}</SecretAccessKey>
      <SessionToken>token of ${accessKeyId}</SessionToken><Expiration>${expiration.toISOString()}</Expiration>
      </Credentials></${action}Result></${action}Response>`,
  }
}

/** The signature that belongs to a request with these keys, as its `authorization` has it. */
export async function signatureOf(
  request: { readonly method: string; readonly path: string; readonly headers: IncomingHttpHeaders },
  body: string,
  keys: { readonly accessKeyId: string; readonly secretAccessKey: string },
  { service, region }: { readonly service: string; readonly region: string },
): Promise<string> {
  const { authorization = '', host = '', 'x-amz-date': datetime } = request.headers
  const signed = /SignedHeaders=([^,]+)/.exec(authorization)?.[1]?.split(';') ?? []
  const headers = new Headers()
  for (const name of signed) if (name !== 'host') headers.set(name, String(request.headers[name]))
  const signer = new AwsV4Signer({
    method: request.method,
    url: `http://${host}${request.path}`,
    headers,
    body,
    ...keys,
    service,
    region,
    datetime: String(datetime),
    allHeaders: true,
  })
  return (await signer.sign()).headers.get('authorization') ?? ''
}
