import type { AppContext } from '../context.ts'
import { badRequest } from '../errors/index.ts'
import type { TokenSet } from '../oauth-flow/index.ts'
import { isEmail } from './email-rules.ts'
import type { Arrival } from './enter.ts'
import { GithubApi, githubLinkedId, isGithubCom } from './github-api.ts'
import { avatarUrl, realName, usernameFrom } from './profile.ts'
import type { GithubProvider } from './provider.ts'
import { GithubRefused } from './sign-in-error.ts'

/**
 * Somebody who came back from GitHub (ID-172).
 *
 * @throws GithubRefused for one who is in none of the organizations or teams, ApiError 400 without a verified primary
 * address, 500 when GitHub cannot be asked.
 */
export async function githubArrival(
  context: AppContext,
  provider: GithubProvider,
  tokens: TokenSet,
): Promise<Arrival> {
  const github = new GithubApi(context, provider, tokens.accessToken)
  await requireMember(github, provider)
  const user = await github.user()
  const primary = (await github.emails()).find((entry) => entry.primary)
  if (primary === undefined || !isEmail(primary.email))
    throw badRequest('Your primary email cannot be found on GitHub!')
  if (!primary.verified) throw badRequest('Your primary email must be verified on GitHub!')
  return {
    provider,
    profile: {
      linkedId: githubLinkedId(provider, user.id),
      username: usernameFrom(user.login.replace(/_/g, '-'), primary.email),
      email: primary.email,
      emailVerified: true,
      name: realName(user.name),
      avatarUrl: avatarUrl(user.avatarUrl),
      githubComUserId: isGithubCom(provider) ? user.id : undefined,
    },
    tokens,
    claims: { id_token_claims: {}, user_info_claims: {}, merged_claims: {} },
  }
}

async function requireMember(github: GithubApi, provider: GithubProvider): Promise<void> {
  const { allowEveryone, allowedOrgs, allowedTeams } = provider
  if (allowEveryone) return
  const allowed = new Set(allowedOrgs.map((name) => name.toLowerCase()))
  const organizations = (await github.organizations()).filter((name) => allowed.has(name))
  if (organizations.length === 0)
    throw new GithubRefused("You aren't a member of the authorized Github organizations!")
  if (allowedTeams.length === 0) return
  const teams = new Set(allowedTeams.map((team) => team.toLowerCase()))
  const isIn = (await github.teams()).some(
    ({ organization, slug }) => organizations.includes(organization) && teams.has(`${organization}/${slug}`),
  )
  if (!isIn) throw new GithubRefused("You aren't a member of an authorized team in the Github organization!")
}
