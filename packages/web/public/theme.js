// Runs before the first paint, so that another look than the usual one does not flash. What the values mean is in
// `theme/theme.ts`.
try {
  const { dataset } = document.documentElement
  const theme = localStorage.getItem('slipway.theme')
  if (theme === 'light' || theme === 'dark') dataset.theme = theme
  const vision = localStorage.getItem('slipway.vision')
  if (vision === 'protan-deuter' || vision === 'tritan') dataset.vision = vision
  const contrast = localStorage.getItem('slipway.contrast')
  if (contrast === 'more' || (contrast !== 'usual' && matchMedia('(prefers-contrast: more)').matches))
    dataset.contrast = 'more'
} catch {
  // Storage is switched off: what the system says stays.
}
