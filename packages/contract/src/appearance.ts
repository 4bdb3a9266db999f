import { type Static, Type } from 'typebox'

import { route } from './route.ts'

const tag = 'Enterprise'

/** What is announced above every page. */
export const AnnouncementBanner = Type.Object({
  enabled: Type.Boolean(),
  message: Type.String(),
  /** `#` and six hexadecimal digits. */
  background_color: Type.String(),
})
export type AnnouncementBanner = Static<typeof AnnouncementBanner>

/** What may be set about how the deployment looks. */
export const AppearanceSettings = Type.Object({
  /** What the product is called here; its own name when empty. */
  application_name: Type.String(),
  logo_url: Type.String(),
  announcement_banners: Type.Array(AnnouncementBanner),
})
export type AppearanceSettings = Static<typeof AppearanceSettings>

/** Where people of this deployment find help. */
export const SupportLink = Type.Object({
  name: Type.String(),
  target: Type.String(),
  icon: Type.String(),
  location: Type.Optional(Type.String()),
})
export type SupportLink = Static<typeof SupportLink>

/** How the deployment looks, and where its people find help (OP-154). */
export const AppearanceConfig = Type.Object({
  ...AppearanceSettings.properties,
  docs_url: Type.String(),
  /** The first announcement, for old clients. */
  service_banner: AnnouncementBanner,
  support_links: Type.Array(SupportLink),
})
export type AppearanceConfig = Static<typeof AppearanceConfig>

const BannerRequest = Type.Object({
  enabled: Type.Optional(Type.Boolean()),
  message: Type.Optional(Type.String({ maxLength: 3_000 })),
  background_color: Type.Optional(Type.String({ maxLength: 64 })),
})

/** What is left out is empty; `service_banner` of old clients changes nothing. */
export const UpdateAppearance = Type.Object({
  application_name: Type.Optional(Type.String({ maxLength: 64 })),
  logo_url: Type.Optional(Type.String({ maxLength: 2_048 })),
  announcement_banners: Type.Optional(Type.Union([Type.Array(BannerRequest, { maxItems: 16 }), Type.Null()])),
  service_banner: Type.Optional(BannerRequest),
})
export type UpdateAppearance = Static<typeof UpdateAppearance>

/** Also for agents, with their own token. */
export const getDeploymentAppearance = route('GET /api/v2/appearance', {
  id: 'get-appearance',
  tag,
  security: 'optional',
  responses: { 200: AppearanceConfig },
})

export const updateDeploymentAppearance = route('PUT /api/v2/appearance', {
  id: 'update-appearance',
  tag,
  body: UpdateAppearance,
  responses: { 200: AppearanceSettings },
})
