import { LRUCache } from 'lru-cache'

import { type Actor, parseAllowListEntry, type RoleOptions, scopeOf } from '../../authz/index.ts'
import type { KeyOwner } from '../../edge/index.ts'
import type { KeyWithStanding } from '../store/kept-keys.ts'
import { actorOf, type Standing } from '../store/standing.ts'

/** Scopes and allow lists of one user that are told apart; whoever has more of them makes tokens for each purpose. */
const MAX_SCOPES = 64

/** What all keys of a user have in common who has this standing. */
interface Shared {
  readonly version: string
  readonly standing: Standing
  readonly owner: KeyOwner
  /** By scopes and allow list. */
  readonly actors: Map<string, Actor>
}

/** Who acts with a key. */
export interface Subject {
  readonly owner: KeyOwner
  readonly actor: Actor
}

/**
 * Makes owners and actors once for all keys of a user with the same standing and scope: each key with its own would be
 * some dozens of objects, which the collector walks over and no cache of the processor holds. Nothing is decided by what
 * is found here: a standing that has changed has another version.
 */
export class SharedSubjects {
  readonly #options: RoleOptions
  readonly #users: LRUCache<string, Shared>

  /** `max` bounds the users. */
  constructor(options: RoleOptions, max: number) {
    this.#options = options
    this.#users = new LRUCache({ max })
  }

  /** The same key with the standing that other keys of its owner have, too. */
  share(found: KeyWithStanding): KeyWithStanding {
    return { ...found, standing: this.#sharedOf(found).standing }
  }

  /** Who acts with this key. @throws Error when its allow list is not valid. */
  subjectOf(found: KeyWithStanding): Subject {
    const { key } = found
    const { owner, standing, actors } = this.#sharedOf(found)
    const scope = JSON.stringify([key.scopes, key.allow_list])
    let actor = actors.get(scope)
    if (actor === undefined) {
      const allowList = key.allow_list.map((text) => {
        const entry = parseAllowListEntry(text)
        if (entry === undefined)
          throw new Error(`stored allow list entry ${JSON.stringify(text)} is not valid`)
        return entry
      })
      actor = actorOf(key.user_id, standing, this.#options, scopeOf(key.scopes, allowList))
      if (actors.size >= MAX_SCOPES) actors.clear()
      actors.set(scope, actor)
    }
    return { owner, actor }
  }

  #sharedOf({ key, standing, standingVersion: version }: KeyWithStanding): Shared {
    const known = this.#users.get(key.user_id)
    if (known?.version === version) return known
    const shared: Shared = {
      version,
      standing,
      owner: {
        id: key.user_id,
        username: standing.username,
        email: standing.email,
        status: standing.status,
        siteRoles: standing.rbac_roles,
        isSystem: standing.is_system,
      },
      actors: new Map(),
    }
    this.#users.set(key.user_id, shared)
    return shared
  }
}
