import { ImageOff } from 'lucide-react'
import { useState } from 'react'

/** Ours and inlined ones; tricks with backslashes count as foreign. */
const OWN = /^(\/(?![/\\])[^\\]*|data:image\/(?:png|jpeg|gif|webp|avif);base64,[\w+/=]+)$/
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
  if (source.includes('\\')) return undefined
  const url = URL.parse(source)
  return url !== null && (url.protocol === 'https:' || url.protocol === 'http:') && url.host !== ''
    ? url
    : undefined
}
