// Waits for the server, with growing pauses, and then loads the page that was asked for (UI-2103).
const FIRST_MS = 1000
const LAST_MS = 30_000

// As the dashboard has it, of which this page has nothing but what is in the browser (OP-154).
const name = nameHere()
if (name !== null) {
  document.title = `Not connected - ${name}`
  const shown = document.getElementById('name')
  // The mark belongs to the name.
  if (shown.textContent !== name) document.querySelector('svg').remove()
  shown.textContent = name
}

const title = document.getElementById('title')
const wait = document.getElementById('wait')
const button = document.getElementById('again')
let attempt = 0
let timer

function nameHere() {
  try {
    return localStorage.getItem('slipway.name')
  } catch {
    return null
  }
}

async function ask() {
  clearTimeout(timer)
  wait.textContent = 'Connecting…'
  try {
    const { status } = await fetch('/api/v2/buildinfo', { cache: 'no-store' })
    if (status < 500) return location.reload()
  } catch {
    // There is none yet.
  }
  title.textContent = navigator.onLine ? 'The server cannot be reached' : 'You are offline'
  const pause = Math.min(FIRST_MS * 2 ** attempt++, LAST_MS)
  wait.textContent = `Next attempt in ${Math.round(pause / 1000)} s`
  timer = setTimeout(ask, pause)
}

button.addEventListener('click', ask)
window.addEventListener('online', ask)
ask()
