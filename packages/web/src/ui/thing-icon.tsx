import { Box } from 'lucide-react'
import { useState } from 'react'

/** Icon of a template, app or parameter; a neutral placeholder when there is none or it does not load (UI-106). */
export function ThingIcon({
  src,
  className = 'size-5',
}: {
  readonly src: string
  readonly className?: string
}) {
  const [failed, setFailed] = useState<string>()
  if (src === '' || failed === src || !/^(\/|https:|data:image\/)/.test(src))
    return <Box className={`${className} shrink-0 text-ink-3`} strokeWidth={1.5} aria-hidden="true" />
  return (
    <img
      src={src}
      alt=""
      loading="lazy"
      referrerPolicy="no-referrer"
      onError={() => setFailed(src)}
      className={`${className} shrink-0 object-contain`}
    />
  )
}
