import { type Actor, systemActor } from '../../authz/index.ts'
import type { AppContext } from '../../context.ts'
import { forbidden } from '../../errors/index.ts'
import { actorOf, findStanding } from '../store/standing.ts'
import { roleOptions } from './role-options.ts'

const KINDS = new Set(['user', 'organization_member', 'group_member', 'organization', 'custom_role'])
const reader = systemActor('provisionerd', 'rights of somebody who watches are asked for again at every send')

/**
 * Who watches something for long, with the rights that they have now: what roles and groups give is read again after
 * each change of them (WS-202, RB-137).
 */
export class WatchingActor implements Disposable {
  readonly #context: AppContext
  readonly #subscription: Disposable
  #actor: Actor
  /** Counts the changes, so that one that comes during a reading is not taken for read. */
  #changes = 0
  #read = 0

  /** @param onChange hears of every change that may take something away. */
  constructor(context: AppContext, actor: Actor, onChange: () => void) {
    this.#context = context
    this.#actor = actor
    const changed = (): void => {
      this.#changes += 1
      onChange()
    }
    this.#subscription = context.database.feed.subscribe({
      kinds: KINDS,
      onEvent: ({ kind, key }) => {
        if (kind === 'organization' || kind === 'custom_role' || key === actor.id) changed()
      },
      onReset: changed,
    })
  }

  /** The actor as of now. @throws ApiError 403 when the user is there no more. */
  async current(): Promise<Actor> {
    const changes = this.#changes
    if (changes === this.#read) return this.#actor
    const { database } = this.#context
    const standing = await findStanding(reader, database.db, this.#actor.id)
    if (standing === undefined || standing.status === 'suspended') throw forbidden()
    this.#actor = actorOf(this.#actor.id, standing, roleOptions(this.#context), this.#actor.scope)
    this.#read = changes
    return this.#actor
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
  }
}
