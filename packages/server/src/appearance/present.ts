import type { AnnouncementBanner, AppearanceConfig, SupportLink } from '@slipway/contract'
import type { AppContext } from '../context.ts'

export const NO_BANNER: AnnouncementBanner = { enabled: false, message: '', background_color: '' }

/** What people and agents are told of it. */
export function presentAppearance({
  appearance,
  config,
}: Pick<AppContext, 'appearance' | 'config'>): AppearanceConfig {
  const { current } = appearance
  return {
    ...current,
    service_banner: current.announcement_banners[0] ?? NO_BANNER,
    docs_url: config.docsUrl,
    support_links: [...(config.supportLinks ?? documentation(config.docsUrl))],
  }
}

/** The product has no public addresses of its own, so that only what the operator names can be linked. */
function documentation(url: string): readonly SupportLink[] {
  return url === '' ? [] : [{ name: 'Documentation', target: url, icon: 'docs' }]
}
