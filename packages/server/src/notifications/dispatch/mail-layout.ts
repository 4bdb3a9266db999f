import { escapeHtml, safeHref } from '../escape.ts'
import type { Delivery } from './delivery.ts'

const STYLE = {
  page: 'margin:0;padding:24px;background:#f6f7f9;color:#16181d;font:16px/1.5 system-ui,-apple-system,Segoe UI,sans-serif',
  card: 'max-width:560px;margin:0 auto;padding:32px;background:#ffffff;border:1px solid #e3e5ea;border-radius:8px',
  title: 'margin:0 0 16px;font-size:20px;line-height:1.3',
  action:
    'display:inline-block;margin:16px 8px 0 0;padding:8px 16px;background:#16181d;color:#ffffff;border-radius:6px;text-decoration:none',
  foot: 'max-width:560px;margin:16px auto 0;color:#5c6370;font-size:13px',
}

/** Where a user tells that they do not want to hear of this kind any more (UI-403). */
function preferencesUrl({ payload }: Delivery, accessUrl: string): string {
  const url = new URL('/settings/notifications', accessUrl)
  url.searchParams.set('disabled', payload.notification_template_id)
  return url.href
}

/** The message as plain text. */
export function mailText(delivery: Delivery, accessUrl: string): string {
  const { payload, body } = delivery
  return `${[
    `Hi ${payload.user_name},`,
    body,
    ...payload.actions.map(({ label, url }) => `${label}: ${url}`),
    `-- \nStop messages like this one: ${preferencesUrl(delivery, accessUrl)}`,
  ].join('\n\n')}\n`
}

/** The message as HTML, of which nothing is fetched from anywhere. */
export async function mailHtml(delivery: Delivery, accessUrl: string): Promise<string> {
  const { markdownToHtml } = await import('../markdown.ts')
  const { payload, title, bodyMarkdown } = delivery
  const actions = payload.actions.flatMap(({ label, url }) => {
    const href = safeHref(url)
    return href === undefined
      ? []
      : [`<a href="${escapeHtml(href)}" style="${STYLE.action}">${escapeHtml(label)}</a>`]
  })
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>${escapeHtml(title)}</title></head>
<body style="${STYLE.page}"><div style="${STYLE.card}"><h1 style="${STYLE.title}">${escapeHtml(title)}</h1>
<p>Hi ${escapeHtml(payload.user_name)},</p>${markdownToHtml(bodyMarkdown)}${actions.join('')}</div>
<p style="${STYLE.foot}">Sent to ${escapeHtml(payload.user_username)} by <a href="${escapeHtml(accessUrl)}">${escapeHtml(new URL(accessUrl).host)}</a>. <a href="${escapeHtml(preferencesUrl(delivery, accessUrl))}">Stop messages like this one</a>.</p>
</body></html>
`
}
