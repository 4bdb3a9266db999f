import type { FastifyReply } from 'fastify'

import type { AppContext } from '../context.ts'

/** What a browser needs to install the dashboard, under the name that it has here (UI-1603, OP-154). */
export function sendManifest(
  reply: FastifyReply,
  { applicationName }: AppContext['appearance'],
): FastifyReply {
  const icon = (size: number, purpose: string) => ({
    src: `/pwa-icon-${size}.png`,
    sizes: `${size}x${size}`,
    type: 'image/png',
    purpose,
  })
  return reply
    .header('Cache-Control', 'no-cache')
    .type('application/manifest+json; charset=utf-8')
    .send(
      JSON.stringify({
        id: '/agents',
        name: applicationName,
        short_name: applicationName,
        start_url: '/agents',
        scope: '/',
        display: 'standalone',
        background_color: '#fbfbfa',
        theme_color: '#fbfbfa',
        icons: [192, 512].flatMap((size) => [icon(size, 'any'), icon(size, 'maskable')]),
      }),
    )
}
