// English and Chinese. Every string is in both dictionaries; a test compares them.

import en from './en.js';
import zh from './zh.js';
import {remember, remembered} from './prefs.js';

const DICTIONARIES = {en, zh};
let language = DICTIONARIES[remembered('language')] ? remembered('language')
  : navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';

export const currentLanguage = () => language;

export function t(key, values = {}) {
  const words = DICTIONARIES[language][key] ?? en[key] ?? key;
  return words.replace(/\{(\w+)\}/g, (whole, name) => values[name] ?? whole);
}

export const known = key => key in en;

export function switchLanguage() {
  language = language === 'en' ? 'zh' : 'en';
  remember('language', language);
}

/** Fills in what stands in the page itself. */
export function translatePage() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  document.querySelectorAll('[data-t]').forEach(node => { node.textContent = t(node.dataset.t); });
  document.querySelectorAll('[data-t-label]').forEach(node => node.setAttribute('aria-label', t(node.dataset.tLabel)));
}

const tag = () => language === 'zh' ? 'zh-CN' : 'en';

export const number = (value, digits = 0) =>
  new Intl.NumberFormat(tag(), {maximumFractionDigits: digits}).format(value);

/** A length of time, as short as it can be said. */
export function seconds(value) {
  if (value < 10) return t('time.seconds', {n: number(value, 1)});
  if (value < 90) return t('time.seconds', {n: number(Math.round(value))});
  if (value < 5400) return t('time.minutes', {n: number(Math.round(value / 60))});
  return t('time.hours', {n: number(value / 3600, 1)});
}

export function clock(millis) {
  const date = new Date(millis);
  const today = new Date().toDateString() === date.toDateString();
  return new Intl.DateTimeFormat(tag(), today
    ? {hour: '2-digit', minute: '2-digit', second: '2-digit'}
    : {month: 'short', day: 'numeric', hour: '2-digit', minute: '2-digit'}).format(date);
}

export function bytes(value) {
  const giga = value / 1e9;
  return giga >= 1 ? `${number(giga, giga >= 100 ? 0 : 1)} GB` : `${number(value / 1e6)} MB`;
}
