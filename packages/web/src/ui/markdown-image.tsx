import { ImageOff } from 'lucide-react'
import { useState } from 'react'

/**
 * Icons that we ship, files of chats, and inlined ones. Any other address of ours may be an app of a stranger's
 * workspace, which would learn what stands in the address, and tabs or backslashes may lead elsewhere.
 */
const OWN =
  /^(\/icon\/(?:[\w-]+\/)*[\w-]+(?:\.[\w-]+)*|\/api\/experimental\/chats\/files\/[\da-f-]{36}|data:image\/(?:png|jpeg|gif|webp|avif);base64,[\w+/=]+)$/
/** Longest inlined image (UI-1138). */
const MAX_INLINE = 1_048_576 * 1.4

/** An image in untrusted text: one of another host shows its host, and loads only when the reader wants it (UI-2006). */
export function MarkdownImage({ source, text }: { readonly source: string; readonly text: string }) {
  const [wanted, setWanted] = useState(false)
  const own = OWN.test(source) && source.length <= MAX_INLINE
  const url = own ? undefined : webAddress(source)
  if (own || (wanted && url !== undefined))
    return (
      <img
        src={own ? source : url?.href}
        alt={text}
        referrerPolicy="no-referrer"
        className="inline-block max-h-96 max-w-full rounded-sm"
      />
    )
  return (
    <span className="inline-flex max-w-full flex-wrap items-center gap-x-2 rounded-sm border border-line px-1.5 py-0.5 align-middle text-xs text-ink-2">
      <ImageOff className="size-3.5 shrink-0" aria-hidden="true" />
      <span className="min-w-0 [overflow-wrap:anywhere]">Image{text === '' ? '' : `: ${text}`}</span>
      {url === undefined ? null : (
        <button type="button" className="link" title={url.href} onClick={() => setWanted(true)}>
          Load from {url.host}
        </button>
      )}
    </span>
  )
}

function webAddress(source: string): URL | undefined {
  if (/[\\\s]/.test(source)) return undefined
  const url = URL.parse(source)
  if (url === null || (url.protocol !== 'https:' && url.protocol !== 'http:')) return undefined
  return url.host === '' || url.origin === globalThis.location?.origin ? undefined : url
}
