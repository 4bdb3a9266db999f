import * as contract from '@slipway/contract'
import { audited } from '../audit/index.ts'
import type { AppContext } from '../context.ts'
import { type BoundRoute, forAnyone, forSession, tokenOf } from '../edge/index.ts'
import { ApiError, badRequest, SIGNED_OUT_MESSAGE } from '../errors/index.ts'
import { NO_BANNER, presentAppearance } from './present.ts'
import { holdAppearance, storeAppearance } from './store.ts'

/** Finds the agent that holds a token; undefined when there is none. */
export type AgentLookup = (token: string) => Promise<object | undefined>

/** How the deployment looks, for its people and their agents (OP-154). */
export function appearanceRoutes(context: AppContext, findAgent: AgentLookup): BoundRoute[] {
  return [
    forAnyone(contract.getDeploymentAppearance, async ({ raw, visitor }) => {
      if (visitor() === undefined && !(await isAgent(raw, findAgent)))
        throw new ApiError(401, SIGNED_OUT_MESSAGE)
      return presentAppearance(context)
    }),
    forSession(contract.updateDeploymentAppearance, async (incoming) => {
      const next = await audited(
        context,
        incoming,
        { type: 'appearance_settings', action: 'write' },
        async (draft) => {
          const { actor, body } = incoming
          const after = settingsOf(body)
          await context.database.transaction(async (tx) => {
            draft.before = await holdAppearance(actor, tx)
            await storeAppearance(actor, tx, after)
          })
          draft.after = after
          return after
        },
      )
      // Whoever looks at a page after this sees it changed.
      await context.appearance.refresh()
      return next
    }),
  ]
}

/** What is asked for. @throws ApiError 400 for a colour of another form, with its field. */
function settingsOf(body: contract.UpdateAppearance): contract.AppearanceSettings {
  const banners = (body.announcement_banners ?? []).map((banner) => ({ ...NO_BANNER, ...banner }))
  for (const { background_color: colour } of banners)
    if (!/^#[0-9a-f]{6}$/i.test(colour))
      throw badRequest(`Invalid color format: "${colour}"`, {
        detail: 'A color is written as # and six hexadecimal digits, such as #1F6F6B.',
      })
  return {
    application_name: (body.application_name ?? '').trim(),
    logo_url: body.logo_url ?? '',
    announcement_banners: banners,
  }
}

async function isAgent(
  raw: { readonly headers: Parameters<typeof tokenOf>[0]['headers'] },
  findAgent: AgentLookup,
): Promise<boolean> {
  const token = tokenOf({ cookies: {}, headers: raw.headers, query: new URLSearchParams() })
  return (
    typeof token === 'string' &&
    /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(token) &&
    (await findAgent(token)) !== undefined
  )
}
