// Waits for the server, with growing pauses, and then loads the page that was asked for (UI-2103).
const FIRST_MS = 1000
const LAST_MS = 30_000

const title = document.getElementById('title')
const wait = document.getElementById('wait')
const button = document.getElementById('again')
let attempt = 0
let timer

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
