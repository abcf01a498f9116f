// What the page says, in two languages. A value may be a function of what it talks about.

const number = (value, digits, language) =>
  new Intl.NumberFormat(language, { minimumFractionDigits: digits, maximumFractionDigits: digits }).format(value);

const en = {
  languageName: "English",
  titleBins: "Which bin?",
  titlePlain: "What is on the photo?",
  choose: "Choose a photo",
  take: "Take a photo",
  pick: "Choose a photo",
  live: "Live camera",
  liveStop: "Stop the camera",
  paste: "Paste",
  hint: "Or drop a picture on this page, or paste one.",
  loading: (mb) => `Loading the model (${number(mb, 0, "en")} MB, the first time only) …`,
  looking: "Looking …",
  answer: "Answer",
  picture: (name) => `The photo: ${name}`,
  notSure: "Not sure",
  strange: "Nothing I know",
  or: " or ",
  comma: ", ",
  oneOf: (count) => `One of ${count}: `,
  perhaps: "Perhaps: ",
  closer: "Try again: closer, brighter, one thing alone.",
  sure: (share) => (share > 0.99 ? "More than 99 % sure" : `${percent(share, 0, "en")} sure`),
  guesses: "Best guesses",
  looked: "Where the model looked",
  keep: "Keep this picture",
  took: (ms) => `${number(ms / 1000, 2, "en")} s on this device; the photo went nowhere.`,
  correct: "Something else? It is",
  asGuessed: "as guessed",
  save: (count) => `Save ${count} doubtful ${count === 1 ? "photo" : "photos"}`,
  saveHint: "Photos that were not sure or that you corrected, with the guesses, in one file on this device: for `sortline review`.",
  history: "Last photos",
  again: (name) => `Show again: ${name}`,
  clear: "Forget them",
  privacy: "Photos stay on this device: everything is worked out here, also without a network.",
  about: (one) => `Model: ${one.task}, ${one.classes} classes, ${one.precision}, ${number(one.mb, 1, "en")} MB, version ${one.version}`,
  install: "Install as an app",
  updateReady: "A newer version is ready.",
  updateNow: "Use it now",
  opening: "Opening the camera …",
  watching: "The camera is on.",
  errors: {
    empty: "This file is empty. Choose another photo.",
    tooBig: (mb) => `This file has ${number(mb, 0, "en")} MB; up to 100 MB work.`,
    tooManyPixels: (megapixels) => `This picture has ${number(megapixels, 0, "en")} million pixels; up to 100 million work.`,
    notAPicture: "This is not a picture that the browser can read, or it is damaged. Try a JPEG or PNG.",
    noDigit: "No digit was found: nothing stands out from the background. Try closer, with even light.",
    noPicture: "There is no picture in what was dropped or pasted.",
    clipboardDenied: "The browser does not let this page read the clipboard. Press Ctrl+V or ⌘V, or choose a photo.",
    cameraDenied: "The camera was not allowed. Allow it in the browser's settings, or choose a photo.",
    cameraMissing: "No camera was found, or another app is using it. Choose a photo instead.",
    cameraEnded: "The camera stopped. Start it again, or choose a photo.",
    cameraInsecure: "Browsers open the camera only on https:// or localhost. Choose a photo instead.",
    model: "The model could not be loaded. Check the connection and reload the page.",
    engine: "Something went wrong while looking at this picture. Try again, or another picture.",
  },
};

const zh = {
  languageName: "中文",
  titleBins: "扔进哪个桶？",
  titlePlain: "照片里是什么？",
  choose: "选择照片",
  take: "拍照",
  pick: "选择照片",
  live: "实时相机",
  liveStop: "关闭相机",
  paste: "粘贴",
  hint: "也可以把图片拖到本页，或直接粘贴。",
  loading: (mb) => `正在加载模型（${number(mb, 0, "zh")} MB，仅首次需要）……`,
  looking: "正在识别……",
  answer: "结果",
  picture: (name) => `照片：${name}`,
  notSure: "不确定",
  strange: "不是我认识的东西",
  or: " 或 ",
  comma: "、",
  oneOf: (count) => `${count} 种之一：`,
  perhaps: "可能是：",
  closer: "请再试一次：近一点、亮一点，只拍一样东西。",
  sure: (share) => (share > 0.99 ? "把握超过 99 %" : `把握 ${percent(share, 0, "zh")}`),
  guesses: "最可能的结果",
  looked: "模型看了哪里",
  keep: "保留这张",
  took: (ms) => `在本机用时 ${number(ms / 1000, 2, "zh")} 秒；照片没有离开设备。`,
  correct: "不对？应该是",
  asGuessed: "和猜的一样",
  save: (count) => `保存 ${count} 张存疑的照片`,
  saveHint: "不确定的和您更正过的照片连同猜测一起存成本机上的一个文件，供 `sortline review` 使用。",
  history: "最近的照片",
  again: (name) => `再次显示：${name}`,
  clear: "清除",
  privacy: "照片只留在本机：识别全部在设备上完成，断网也能用。",
  about: (one) => `模型：${one.task}，${one.classes} 类，${one.precision}，${number(one.mb, 1, "zh")} MB，版本 ${one.version}`,
  install: "安装为应用",
  updateReady: "新版本已就绪。",
  updateNow: "立即使用",
  opening: "正在打开相机……",
  watching: "相机已打开。",
  errors: {
    empty: "文件是空的。请选择另一张照片。",
    tooBig: (mb) => `文件有 ${number(mb, 0, "zh")} MB；最大支持 100 MB。`,
    tooManyPixels: (megapixels) => `图片有 ${number(megapixels * 100, 0, "zh")} 万像素；最多支持 10000 万。`,
    notAPicture: "浏览器读不了这个文件，或图片已损坏。请试 JPEG 或 PNG。",
    noDigit: "没有找到数字：没有什么从背景中显现出来。请靠近一些，光线均匀一些。",
    noPicture: "拖入或粘贴的内容里没有图片。",
    clipboardDenied: "浏览器不允许本页读取剪贴板。请按 Ctrl+V 或 ⌘V，或选择一张照片。",
    cameraDenied: "没有相机权限。请在浏览器设置中允许，或选择一张照片。",
    cameraMissing: "找不到相机，或相机正被其他应用占用。请选择一张照片。",
    cameraEnded: "相机已停止。请重新打开，或选择一张照片。",
    cameraInsecure: "浏览器只在 https:// 或 localhost 下打开相机。请选择一张照片。",
    model: "模型加载失败。请检查网络后刷新本页。",
    engine: "识别时出错。请重试，或换一张图片。",
  },
};

export const LANGUAGES = { en, zh };
let current = "en";

export function language() {
  return current;
}

export function speak(wanted) {
  current = wanted in LANGUAGES ? wanted : "en";
}

// The text `key` ("errors.empty") in the current language.
export function say(key, ...details) {
  const value = key.split(".").reduce((texts, step) => texts[step], LANGUAGES[current]);
  return typeof value === "function" ? value(...details) : value;
}

export function percent(share, digits = 1, locale = current) {
  return `${number(100 * share, digits, locale)} %`;
}

// The names of a class or bin {en, zh, code}: the current language's first; the second null where there is none.
export function names(one) {
  const [first, second] = current === "zh" ? ["zh", "en"] : ["en", "zh"];
  const texts = [first, second].filter((lang) => one[lang]).map((lang) => ({ lang, text: one[lang] }));
  if (!texts.length) texts.push({ lang: "", text: one.code ?? one.id });
  return texts.length > 1 && texts[0].text !== texts[1].text ? texts : [texts[0], null];
}
