// Where the model looked: the class activation map of a class, drawn over the photo.

const STRENGTH = 0.75;

// Draw the map of class `index` on `canvas`, stretched to its size; transparent where the class has no support.
export function draw(canvas, cam, index) {
  const { width, height } = cam;
  const map = cam.data.subarray(index * width * height, (index + 1) * width * height);
  const [low, high] = [Math.min(...map), Math.max(...map)];
  const small = new OffscreenCanvas(width, height);
  const image = new ImageData(width, height);
  map.forEach((value, place) => image.data.set(colour(high > low ? (value - low) / (high - low) : 0), 4 * place));
  small.getContext("2d").putImageData(image, 0, 0);
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  context.imageSmoothingQuality = "high";
  context.drawImage(small, 0, 0, canvas.width, canvas.height);
}

// From nothing over yellow to red; brightness falls all the way, so it reads without colours too.
function colour(heat) {
  return [255, 220 * (1 - heat), 0, 255 * STRENGTH * heat];
}
