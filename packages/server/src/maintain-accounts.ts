import { Compile } from 'typebox/compile'

import { CreateFirstUserRequest, NO_ID } from '@slipway/contract'
import { createLogger, LogSink } from '@slipway/request-log'
import { recordEntry } from './audit/index.ts'
import { systemActor } from './authz/index.ts'
import { parseConfig } from './config/index.ts'
import type { AppContext } from './context.ts'
import { ApiError } from './errors/index.ts'
import { prepareGitSshKey } from './git-ssh-keys/index.ts'
import {
  createAdminUser,
  findUserByEmail,
  getUser,
  replacePassword,
  requireStrongPassword,
  SignInDelay,
  type UserRow,
} from './identity/index.ts'
import { openContext } from './open-context.ts'
import { wipeFactors } from './second-factor/index.ts'

/** Commands about accounts that work on the database itself, for who cannot get in any more. */
export interface AccountMaintenance extends AsyncDisposable {
  /** {@link createAdminUser}, with an entry in the audit log. */
  createAdmin(user: {
    readonly username: string
    readonly email: string
    readonly password: string
  }): Promise<UserRow>
  /**
   * Sets the password of a user, by name or e-mail, and ends all their sessions and any delay of their sign-in; on demand
   * removes their second factors, too.
   *
   * @throws ApiError 400 for a weak password. @throws Error when there is no such user, or one without a password.
   */
  resetPassword(
    user: string,
    password: string,
    options: { readonly removeSecondFactors: boolean },
  ): Promise<UserRow>
}

const operator = systemActor(
  'account_security',
  'whoever has the database in their hands lets a user in again',
)
const newUser = Compile(CreateFirstUserRequest)

/**
 * Opens the deployment that a server with these flags and this environment would serve.
 *
 * @throws Error with a message for the operator.
 */
export async function openAccountMaintenance(
  argv: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Promise<AccountMaintenance> {
  const configuration = parseConfig(argv, environment)
  if (configuration.kind === 'refused') throw new Error(configuration.errors.join('\n'))
  if (configuration.kind === 'print') throw new Error('the settings of the server ask it to print something')
  await using steps = new AsyncDisposableStack()
  // What goes wrong is for the person at the keyboard; the rest is in the audit log.
  const log = createLogger({ level: 'error', sink: steps.use(new LogSink(2)) })
  const { context } = await openContext({ configuration, log, listening: () => '' }, steps)
  const owned = steps.move()
  return {
    createAdmin: async (asked) => {
      if (!newUser.Check(asked)) throw new Error('the user name or the e-mail address has a wrong form')
      const user = await createAdminUser(context, asked, () => prepareGitSshKey(context))
      await record(context, user, 'create', 'create-admin-user')
      return user
    },
    resetPassword: async (reference, password, { removeSecondFactors }) => {
      const user = await findUser(context, reference)
      if (user === undefined)
        throw new Error(`there is no user with the name or e-mail address ${JSON.stringify(reference)}`)
      if (user.login_type !== 'password')
        throw new Error(`${user.username} has no password: the account signs in by ${user.login_type}`)
      requireStrongPassword(password)
      await replacePassword(context, operator, user.id, password, async (tx) => {
        if (removeSecondFactors) await wipeFactors(operator, tx, user.id)
      })
      const delay = new SignInDelay(context)
      await delay.reset({ kind: 'password', email: user.email })
      await delay.reset({ kind: 'second factor', userId: user.id })
      await record(context, user, 'write', 'reset-password')
      return user
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  }
}

async function findUser(context: AppContext, reference: string): Promise<UserRow | undefined> {
  const { db } = context.database
  if (reference.includes('@')) return findUserByEmail(operator, db, reference)
  try {
    return await getUser(operator, db, reference)
  } catch (error) {
    if (error instanceof ApiError && error.status === 404) return undefined
    throw error
  }
}

/** Nobody with an account did it; the entry says which command. */
function record(
  context: AppContext,
  user: UserRow,
  action: 'create' | 'write',
  command: string,
): Promise<void> {
  return recordEntry(context, {
    type: 'user',
    action,
    user: undefined,
    organizationId: undefined,
    resourceId: user.id,
    target: user.username,
    icon: '',
    diff: {},
    status: 200,
    additionalFields: { automatic_actor: 'coder', automatic_subsystem: command },
    requestId: NO_ID,
    ip: undefined,
    userAgent: '',
  })
}
