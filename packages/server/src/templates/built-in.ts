import { describeError, type Logger } from '@slipway/request-log'
import { systemActor } from '../authz/index.ts'
import type { AppContext } from '../context.ts'
import { ApiError } from '../errors/index.ts'
import { actorOf, findStanding, roleOptions } from '../identity/index.ts'
import type { TagReader } from '../provisioning/index.ts'
import { createTemplate } from './create-template.ts'
import { createVersion } from './create-version.ts'
import { EXAMPLES } from './examples.ts'
import { findFirstOwner, isBuiltInTemplateMade, markBuiltInTemplate } from './store/templates.ts'

/**
 * Makes the built-in template once, as soon as there is an owner to make it for: the visitor who has just
 * made the first account finds something to start. Who deletes it does not get it back.
 */
export class BuiltInTemplates implements Disposable {
  readonly #context: AppContext
  readonly #tagReader: TagReader
  readonly #log: Logger
  readonly #subscription: Disposable
  #busy = false
  #done = false

  constructor(context: AppContext, tagReader: TagReader) {
    this.#context = context
    this.#tagReader = tagReader
    this.#log = context.log
    this.#subscription = context.database.feed.subscribe({
      kinds: new Set(['user']),
      onEvent: () => void this.ensure(),
      onReset: () => void this.ensure(),
    })
  }

  /** Makes it when it is due; a failure is logged and tried again at the next occasion. */
  async ensure(): Promise<void> {
    if (this.#busy || this.#done) return
    this.#busy = true
    try {
      const { database } = this.#context
      const owner = await findFirstOwner(
        systemActor(
          'system_restricted',
          'the built-in template is made for the first owner, whom nobody asks',
        ),
        database.db,
      )
      if (owner === undefined) return
      for (const example of EXAMPLES) await this.#make(example, owner)
      this.#done = true
    } catch (error) {
      this.#log.warn('the built-in template could not be made', { error: describeError(error) })
    } finally {
      this.#busy = false
    }
  }

  async #make(
    example: (typeof EXAMPLES)[number],
    owner: { readonly userId: string; readonly organizationId: string },
  ): Promise<void> {
    const { database } = this.#context
    const system = systemActor(
      'system_restricted',
      'the built-in template is made for the first owner, whom nobody asks',
    )
    if (await isBuiltInTemplateMade(system, database.db, example.id)) return
    const standing = await findStanding(system, database.db, owner.userId)
    if (standing === undefined) return
    const actor = actorOf(owner.userId, standing, roleOptions(this.#context))
    const { version } = await createVersion(this.#context, this.#tagReader, actor, owner.organizationId, {
      storage_method: 'file',
      provisioner: 'typescript',
      example_id: example.id,
      message: 'Built in',
    })
    await createTemplate(this.#context, actor, owner.organizationId, {
      name: example.id,
      display_name: example.name,
      description: example.description,
      icon: example.icon,
      template_version_id: version.id,
      allow_user_cancel_workspace_jobs: true,
    }).catch((error: unknown) => {
      // Another replica was faster.
      if (!(error instanceof ApiError && error.status === 409)) throw error
    })
    await markBuiltInTemplate(system, database.db, example.id)
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]()
  }
}
