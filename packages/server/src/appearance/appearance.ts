import type { AppearanceSettings } from '@slipway/contract'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { Rereading } from '../rereading/index.ts'
import { getAppearance } from './store.ts'

const reader = systemActor('appearance_reader', 'pages show how the deployment looks before anybody signs in')

/** How the deployment looks, in memory, because every page and message names it (OP-154). */
export class Appearance implements AsyncDisposable {
  readonly #rereading: Rereading
  #current: AppearanceSettings = { application_name: '', logo_url: '', announcement_banners: [] }

  private constructor(context: Pick<AppContext, 'database' | 'log'>) {
    this.#rereading = new Rereading(context, {
      kind: 'appearance',
      read: async () => {
        this.#current = await getAppearance(reader, context.database.db)
      },
      failure: 'the appearance could not be read again; the former one stays',
    })
  }

  /** Reads what is stored for the first time. @throws Error when that is not possible. */
  static async start(context: Pick<AppContext, 'database' | 'log'>): Promise<Appearance> {
    const appearance = new Appearance(context)
    await appearance.#rereading.begin()
    return appearance
  }

  /** What is set. The same object until it changes. */
  get current(): AppearanceSettings {
    return this.#current
  }

  /** What the product is called here. */
  get applicationName(): string {
    return this.#current.application_name === '' ? 'Slipway' : this.#current.application_name
  }

  /** Reads again now. */
  refresh(): Promise<void> {
    return this.#rereading.refresh()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#rereading[Symbol.asyncDispose]()
  }
}
