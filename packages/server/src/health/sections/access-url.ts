import type { AccessURLReport, HealthCode } from '@slipway/contract'
import { GuardedFetch } from '../../outbound/index.ts'
import { type Found, fault, inWords, type Section } from '../section.ts'

const TIMEOUT_MS = 5_000
const MAX_BYTES = 256 * 1024
/** Characters of the answer that are reported. */
const MAX_SHOWN = 1_000
/** The operator has named this one address, and it may well be inside. */
const ANYWHERE = ['0.0.0.0/0', '::/0']

/** Whether the deployment can be reached where it says that it is. */
export class AccessUrlSection implements Section<AccessURLReport>, Disposable {
  readonly name = 'AccessURL'
  readonly #accessUrl: () => string
  readonly #guarded = new GuardedFetch(ANYWHERE)

  constructor(accessUrl: () => string) {
    this.#accessUrl = accessUrl
  }

  async look(signal: AbortSignal): Promise<Found<AccessURLReport>> {
    const accessUrl = this.#accessUrl()
    if (accessUrl === '') return this.#fault('EACS01', 'no access URL is set; set --access-url')
    const url = URL.parse('/healthz', accessUrl)
    if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:'))
      return this.#fault(
        'EACS02',
        'the access URL is no address of HTTP; --access-url must begin with https:// or http://',
      )
    let response: Response
    let body: string
    try {
      response = await this.#guarded.fetch({ timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES }, url, { signal })
      body = await response.text()
    } catch (error) {
      return this.#fault(
        'EACS03',
        `${url.href} did not answer: ${inWords(error)}. The server itself must reach the address that clients use: check its name, its certificate and what stands in between`,
      )
    }
    const found = {
      access_url: accessUrl,
      reachable: true,
      status_code: response.status,
      healthz_response: body.slice(0, MAX_SHOWN),
    }
    if (response.status === 200) return { ...found, severity: 'ok', healthy: true, warnings: [] }
    const { location } = Object.fromEntries(response.headers)
    return {
      ...found,
      severity: 'warning',
      healthy: false,
      warnings: [
        {
          code: 'EACS04',
          message: `${url.href} answered with the status ${response.status}${location === undefined ? '' : `, leading to ${location.slice(0, 200)}`}. Something before the server answers in its place: let it pass /healthz, or correct --access-url.`,
        },
      ],
    }
  }

  failed(error: string): Found<AccessURLReport> {
    return {
      access_url: this.#accessUrl(),
      reachable: false,
      status_code: 0,
      healthz_response: '',
      severity: 'error',
      healthy: false,
      error,
      warnings: [],
    }
  }

  #fault(code: HealthCode, text: string): Found<AccessURLReport> {
    return this.failed(fault(code, text))
  }

  [Symbol.dispose](): void {
    this.#guarded[Symbol.dispose]()
  }
}
