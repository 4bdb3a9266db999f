import { presentAppearance } from '../appearance/index.ts'
import type { AppContext } from '../context.ts'
import { escapeHtml } from '../edge/index.ts'

/** What the built page calls the product, where no script has run. */
const NAMED = [/(?<=<title>)Slipway(?=<\/title>)/, /(?<=<noscript>)Slipway/] as const

type ShellContext = Pick<AppContext, 'appearance' | 'config'>

/** The one page, with how the deployment looks: made again only when that has changed (UI-102). */
export class Shells {
  readonly #context: ShellContext
  readonly #built: string
  #of: unknown
  #signedOut = ''
  #signedIn = ''

  constructor(context: ShellContext, built: string) {
    this.#context = context
    this.#built = built
  }

  /** @param signedIn whether more than the names may be told (UI-103). */
  for(signedIn: boolean): string {
    const { current, applicationName } = this.#context.appearance
    if (this.#of !== current) {
      this.#of = current
      this.#signedOut = NAMED.reduce(
        (page, name) => page.replace(name, () => escapeHtml(applicationName)),
        this.#built
          .replace('{{application-name}}', () => embedded(applicationName))
          .replace('{{logo-url}}', () => embedded(current.logo_url)),
      )
      this.#signedIn = this.#signedOut.replace('{{appearance}}', () =>
        embedded(presentAppearance(this.#context)),
      )
      this.#signedOut = this.#signedOut.replace('{{appearance}}', '')
    }
    return signedIn ? this.#signedIn : this.#signedOut
  }
}

const embedded = (value: unknown): string => escapeHtml(JSON.stringify(value))
