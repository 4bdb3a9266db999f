/** Letters that stand for somebody: the first of the first two words of a name, of a single word the first two. */
export function initials(name: string): string {
  const [first = '', second] = name.split(/[^\p{L}\p{N}]+/u).filter((word) => word !== '')
  const letters = [...first]
  return second === undefined ? letters.slice(0, 2).join('') : `${letters[0] ?? ''}${[...second][0] ?? ''}`
}

/** Initials on a quiet ground, or the picture when it comes from our own origin or `https`. */
export function Avatar({
  name,
  url,
  className = 'size-6',
}: {
  readonly name: string
  readonly url?: string | undefined
  readonly className?: string
}) {
  const own = url !== undefined && (url.startsWith('/') || url.startsWith('data:image/'))
  return (
    <span
      aria-hidden="true"
      className={`${className} inline-flex shrink-0 items-center justify-center overflow-hidden rounded-full border border-line bg-hover text-[10px] font-semibold uppercase text-ink-2`}
    >
      {own ? <img src={url} alt="" className="size-full object-cover" /> : initials(name) || name.slice(0, 1)}
    </span>
  )
}
