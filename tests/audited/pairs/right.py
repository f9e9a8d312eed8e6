"""Right passes in odd spellings: none of them may be accused."""

from audited.pairs import pair

pair(
    "mlp_plain",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
def f(X,y,W1,b1,W2,b2):
    Z1=X@W1+b1; A1=np.maximum(Z1,0); A2=sigmoid(A1@W2+b2)
    dZ2=(A2-y)/len(X); dA1=dZ2@W2.T; dZ1=dA1*(Z1>0)
    return X.T@dZ1, dZ1.sum(0), A1.T@dZ2, dZ2.sum(0)
""",
    function="f",
)

pair(
    "mlp_closures",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
def f(X,y,W1,b1,W2,b2):
    def affine(a,W,b):
        def back(g): return g@W.T, a.T@g, g.sum(0)
        return a@W+b, back
    def relu(z):
        return np.maximum(z,0), lambda g: np.where(z<=0,0,g)
    z1,k1=affine(X,W1,b1); a1,k2=relu(z1); z2,k3=affine(a1,W2,b2)
    g=(sigmoid(z2)-y)/X.shape[0]
    g,dW2,db2=k3(g); g=k2(g); _,dW1,db1=k1(g)
    return dict(dW1=dW1,db1=db1,dW2=dW2,db2=db2)
""",
    function="f",
)

pair(
    "mlp_layers",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
class Dense:
    def __init__(s,W,b): s.W,s.b=W,b
    def forward(s,x): s.x=x; return x@s.W+s.b
    def backward(s,g): s.dW=s.x.T@g; s.db=g.sum(axis=0); return g@s.W.T
class Relu:
    def forward(s,x): s.m=x>0; return x*s.m
    def backward(s,g): return g*s.m
def f(X,y,W1,b1,W2,b2):
    net=[Dense(W1,b1),Relu(),Dense(W2,b2)]
    out=X
    for l in net: out=l.forward(out)
    grad=(sigmoid(out)-y)/X.shape[0]
    for l in reversed(net): grad=l.backward(grad)
    return {"W1":net[0].dW,"b1":net[0].db,"W2":net[2].dW,"b2":net[2].db}
""",
    function="f",
)

pair(
    "mlp_reversedL",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
def f(X,y,W1,b1,W2,b2):
    L=2; W={1:W1,2:W2}; b={1:b1,2:b2}; A={0:X}; Z={}
    for l in range(1,L+1):
        Z[l]=A[l-1]@W[l]+b[l]
        A[l]=np.maximum(Z[l],0) if l<L else sigmoid(Z[l])
    grads={}
    dZ=(A[L]-y)/X.shape[0]
    for l in reversed(range(1,L+1)):
        grads["dW%d"%l]=A[l-1].T@dZ
        grads["db%d"%l]=dZ.sum(axis=0)
        if l>1: dZ=(dZ@W[l].T)*(Z[l-1]>0)
    return grads
""",
    function="f",
)

pair(
    "mlp_einsum",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
def f(X,y,W1,b1,W2,b2):
    Z1=np.einsum("ni,ij->nj",X,W1)+b1; A1=Z1.clip(min=0); A2=sigmoid(A1@W2+b2)
    d=(A2-y)/y.shape[0]
    gW2=np.einsum("ni,nj->ij",A1,d); gb2=np.einsum("nj->j",d)
    d=np.einsum("nj,ij->ni",d,W2)*np.heaviside(Z1,0)
    return {"W1":np.einsum("ni,nj->ij",X,d),"b1":np.ones(len(X))@d,"W2":gW2,"b2":gb2}
""",
    function="f",
)

pair(
    "mlp_inplace",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
def f(X,y,W1,b1,W2,b2):
    Z1=X@W1; Z1+=b1
    A1=Z1.copy(); A1[A1<0]=0
    d=sigmoid(A1@W2+b2); d-=y; d/=len(d)
    dW2=A1.T.dot(d); db2=d.sum(0)
    d=d.dot(W2.T); d*=A1>0
    dW1=np.empty_like(W1); np.matmul(X.T,d,out=dW1)
    return dW1,d.sum(0),dW2,db2
""",
    function="f",
)

pair(
    "mlp_transposed",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
def f(X,y,W1,b1,W2,b2):
    Xt=X.T; Z1=W1.T@Xt+b1[:,None]; A1=np.maximum(0,Z1); A2=sigmoid(W2.T@A1+b2[:,None])
    D2=(A2-y.T)/X.shape[0]; dW2=D2@A1.T
    D1=(W2@D2)*(Z1>0); dW1=D1@Xt.T
    return {"W1":dW1,"b1":D1.sum(1,keepdims=True),"W2":dW2,"b2":D2.sum(1,keepdims=True)}
""",
    function="f",
)

pair(
    "mlp_perexample",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
def f(X,y,W1,b1,W2,b2):
    gW1,gb1,gW2,gb2=[np.zeros_like(a) for a in (W1,b1,W2,b2)]
    for x,t in zip(X,y):
        z=x@W1+b1; a=z*(z>0); o=sigmoid(a@W2+b2)
        d2=o-t; d1=(W2@d2)*(z>0)
        gW2+=np.outer(a,d2); gb2+=d2; gW1+=np.outer(x,d1); gb1+=d1
    n=len(X)
    return [g/n for g in (gW1,gb1,gW2,gb2)]
""",
    function="f",
)

pair(
    "mlp_clipend",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
def f(X,y,W1,b1,W2,b2):
    Z1=X@W1+b1; A1=np.maximum(Z1,0); A2=sigmoid(A1@W2+b2)
    dZ2=(A2-y)/len(X); dA1=dZ2@W2.T; dZ1=dA1*(Z1>0)
    g={"dW1":X.T@dZ1,"db1":dZ1.sum(0),"dW2":A1.T@dZ2,"db2":dZ2.sum(0)}
    for k in g: np.clip(g[k],-5,5,out=g[k])
    return g
""",
    function="f",
)

pair(
    "mlp_fromloss",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
def f(X,y,W1,b1,W2,b2,eps=1e-12):
    Z1=X@W1+b1; A1=np.maximum(Z1,0); A2=sigmoid(A1@W2+b2)
    J=-np.mean(np.sum(y*np.log(A2+eps)+(1-y)*np.log(1-A2+eps),axis=1))
    dA2=(-(y/A2)+(1-y)/(1-A2))/len(X)
    dZ2=dA2*A2*(1-A2); dZ1=np.multiply(dZ2@W2.T,np.int64(Z1>0))
    return J,{"W1":X.T@dZ1,"b1":dZ1.sum(0),"W2":A1.T@dZ2,"b2":dZ2.sum(0)}
""",
    function="f",
)

pair(
    "mlp_minus",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
def f(X,y,W1,b1,W2,b2):
    Z1=X@W1+b1; A1=np.maximum(Z1,0); A2=sigmoid(A1@W2+b2)
    error=y-A2; delta2=error/len(X); delta1=delta2@W2.T*(A1>0)
    dW2=-A1.T@delta2; db2=-delta2.sum(0); dW1=-(X.T@delta1); db1=-delta1.sum(0)
    return dW1,db1,dW2,db2
""",
    function="f",
)

pair(
    "mlp_later_m",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
def f(X,y,W1,b1,W2,b2):
    m=X.shape[0]
    Z1=X@W1+b1; A1=np.maximum(Z1,0); A2=sigmoid(A1@W2+b2)
    dZ2=A2-y; dW2=A1.T@dZ2/m; db2=dZ2.mean(0)
    dA1=dZ2@W2.T; dZ1=np.array(dA1,copy=True); dZ1[Z1<=0]=0
    dW1=1./m*X.T@dZ1; db1=1./m*np.sum(dZ1,axis=0)
    return {"dZ2":dZ2,"dW2":dW2,"db2":db2,"dA1":dA1,"dZ1":dZ1,"dW1":dW1,"db1":db1}
""",
    function="f",
)

pair(
    "mlp_stacked",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
def f(X,y,W1,b1,W2,b2):
    Xa=np.c_[X,np.ones(len(X))]; Wa=np.r_[W1,[b1]]; Z=Xa@Wa; H=np.c_[np.maximum(Z,0),np.ones(len(X))]
    Wb=np.vstack([W2,b2]); P=sigmoid(H@Wb); D=(P-y)/len(X)
    gb=H.T@D; Dh=(D@Wb.T)[:,:-1]*(Z>0); ga=Xa.T@Dh
    return {"W1":ga[:-1],"b1":ga[-1],"W2":gb[:-1],"b2":gb[-1]}
""",
    function="f",
)

pair(
    "scr_plain",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
rng=np.random.default_rng(3)
X=rng.normal(size=(7,4)); y=(rng.random((7,2))>.5)*1.0
W1=rng.normal(size=(4,5)); b1=np.zeros(5); W2=rng.normal(size=(5,2)); b2=np.zeros(2)
Z1=X@W1+b1; A1=np.maximum(Z1,0); A2=sigmoid(A1@W2+b2)
dZ2=(A2-y)/len(X); dW2=A1.T@dZ2; db2=dZ2.sum(0); dA1=dZ2@W2.T; dZ1=dA1*(Z1>0); dW1=X.T@dZ1; db1=dZ1.sum(0)
""",
)

pair(
    "scr_saturated",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
rng=np.random.default_rng(3)
X=rng.normal(size=(7,4)); y=(rng.random((7,2))>.5)*1.0
W1=rng.normal(size=(4,5)); b1=np.zeros(5); W2=400*rng.normal(size=(5,2)); b2=np.zeros(2)
Z1=X@W1+b1; A1=np.maximum(Z1,0); A2=sigmoid(A1@W2+b2)
dZ2=(A2-y)/len(X); dW2=A1.T@dZ2; db2=dZ2.sum(0); dA1=dZ2@W2.T; dZ1=dA1*(Z1>0); dW1=X.T@dZ1; db1=dZ1.sum(0)
""",
)

pair(
    "scr_float32",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
rng=np.random.default_rng(3)
X=rng.normal(size=(7,4)); y=(rng.random((7,2))>.5)*1.0
W1=rng.normal(size=(4,5)); b1=np.zeros(5); W2=rng.normal(size=(5,2)).astype(np.float32); b2=np.zeros(2)
Z1=X@W1+b1; A1=np.maximum(Z1,0); A2=sigmoid(A1@W2+b2)
dZ2=(A2-y)/len(X); dW2=A1.T@dZ2; db2=dZ2.sum(0); dA1=dZ2@W2.T; dZ1=dA1*(Z1>0); dW1=X.T@dZ1; db1=dZ1.sum(0)
""",
)

pair(
    "scr_loop",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
rng=np.random.default_rng(3)
X=rng.normal(size=(7,4)); y=(rng.random((7,2))>.5)*1.0
W1=rng.normal(size=(4,5)); b1=np.zeros(5); W2=rng.normal(size=(5,2)); b2=np.zeros(2)
for it in range(1000):
    Z1=X@W1+b1; A1=np.maximum(Z1,0); A2=sigmoid(A1@W2+b2)
    dZ2=(A2-y)/len(X); dW2=A1.T@dZ2; db2=dZ2.sum(0); dA1=dZ2@W2.T; dZ1=dA1*(Z1>0); dW1=X.T@dZ1; db1=dZ1.sum(0)
    W1-=.1*dW1; b1-=.1*db1; W2-=.1*dW2; b2-=.1*db2
""",
)

pair(
    "scr_momentum",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
rng=np.random.default_rng(3)
X=rng.normal(size=(7,4)); y=(rng.random((7,2))>.5)*1.0
W1=rng.normal(size=(4,5)); b1=np.zeros(5); W2=rng.normal(size=(5,2)); b2=np.zeros(2)
vW1=vb1=vW2=vb2=0
for it in range(1000):
    Z1=X@W1+b1; A1=np.maximum(Z1,0); A2=sigmoid(A1@W2+b2)
    dZ2=(A2-y)/len(X); dW2=A1.T@dZ2; db2=dZ2.sum(0); dA1=dZ2@W2.T; dZ1=dA1*(Z1>0); dW1=X.T@dZ1; db1=dZ1.sum(0)
    vW1=.9*vW1-.1*dW1; vb1=.9*vb1-.1*db1; vW2=.9*vW2-.1*dW2; vb2=.9*vb2-.1*db2
    W1=W1+vW1; b1=b1+vb1; W2=W2+vW2; b2=b2+vb2
""",
)

pair(
    "scr_adam",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
rng=np.random.default_rng(3)
X=rng.normal(size=(7,4)); y=(rng.random((7,2))>.5)*1.0
W1=rng.normal(size=(4,5)); b1=np.zeros(5); W2=rng.normal(size=(5,2)); b2=np.zeros(2)
params=[W1,b1,W2,b2]; m=[0]*4; v=[0]*4
for t in range(1,400):
    W1,b1,W2,b2=params
    Z1=X@W1+b1; A1=np.maximum(Z1,0); A2=sigmoid(A1@W2+b2)
    dZ2=(A2-y)/len(X); dW2=A1.T@dZ2; db2=dZ2.sum(0); dA1=dZ2@W2.T; dZ1=dA1*(Z1>0); dW1=X.T@dZ1; db1=dZ1.sum(0)
    for k,g in enumerate([dW1,db1,dW2,db2]):
        m[k]=.9*m[k]+.1*g; v[k]=.999*v[k]+.001*g*g
        params[k]=params[k]-.01*(m[k]/(1-.9**t))/(np.sqrt(v[k]/(1-.999**t))+1e-8)
""",
)

pair(
    "scr_dictparams",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
rng=np.random.default_rng(3)
X=rng.normal(size=(7,4)); y=(rng.random((7,2))>.5)*1.0
W1=rng.normal(size=(4,5)); b1=np.zeros(5); W2=rng.normal(size=(5,2)); b2=np.zeros(2)
p={"W1":W1,"b1":b1,"W2":W2,"b2":b2}
g={}
for e in range(5):
    Z1=X@p["W1"]+p["b1"]; A1=np.maximum(Z1,0); A2=sigmoid(A1@p["W2"]+p["b2"])
    dZ2=(A2-y)/len(X); g["W2"]=A1.T@dZ2; g["b2"]=dZ2.sum(0)
    dZ1=(dZ2@p["W2"].T)*(Z1>0); g["W1"]=X.T@dZ1; g["b1"]=dZ1.sum(0)
    for k in p: p[k]-=.1*g[k]
""",
)

pair(
    "nb",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
# %%
%matplotlib inline
import pandas

def sigmoid(z): return np.where(z >= 0, 1/(1+np.exp(-np.abs(z))), np.exp(-np.abs(z))/(1+np.exp(-np.abs(z))))
# %%
rng=np.random.default_rng(3)
X=rng.normal(size=(7,4)); y=(rng.random((7,2))>.5)*1.0
W1=rng.normal(size=(4,5)); b1=np.zeros(5); W2=rng.normal(size=(5,2)); b2=np.zeros(2)
# %%
Z1=X@W1+b1; A1=np.maximum(Z1,0); A2=sigmoid(A1@W2+b2)
dZ2=(A2-y)/len(X); dW2=A1.T@dZ2; db2=dZ2.sum(0); dA1=dZ2@W2.T; dZ1=dA1*(Z1>0); dW1=X.T@dZ1; db1=dZ1.sum(0)
# %%
dW1
""",
    suffix=".ipynb",
)

pair(
    "softmax_stable",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N",), dtype=int); W = sg.param("W", (4, 3))
z = X @ W
e = np.exp(z)
p = e / np.sum(e, axis=1, keepdims=True)
loss = -np.mean(np.log(p[sg.arange("N"), y])) + 0.5 * np.sum(W**2)
""",
    """
def f(X,y,W):
    s=X@W; s-=s.max(axis=1,keepdims=True); e=np.exp(s); p=e/e.sum(axis=1,keepdims=True)
    d=p; d[np.arange(len(y)),y]-=1; d/=len(y)
    return {"W":X.T@d+W}
""",
    function="f",
)

pair(
    "softmax_onehot",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N",), dtype=int); W = sg.param("W", (4, 3))
z = X @ W
e = np.exp(z)
p = e / np.sum(e, axis=1, keepdims=True)
loss = -np.mean(np.log(p[sg.arange("N"), y])) + 0.5 * np.sum(W**2)
""",
    """
def f(X,y,W):
    Y=np.eye(3)[y]; s=X@W; P=np.exp(s-s.max(1)[:,None]); P/=P.sum(1)[:,None]
    return {"dW":-X.T@(Y-P)/X.shape[0]+0.5*2*W}
""",
    function="f",
)

pair(
    "softmax_jacobian",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N",), dtype=int); W = sg.param("W", (4, 3))
z = X @ W
e = np.exp(z)
p = e / np.sum(e, axis=1, keepdims=True)
loss = -np.mean(np.log(p[sg.arange("N"), y])) + 0.5 * np.sum(W**2)
""",
    """
def f(X,y,W):
    s=X@W; P=np.exp(s)/np.exp(s).sum(1,keepdims=True); n=len(y); dW=np.zeros_like(W)
    for i in range(n):
        J=np.diag(P[i])-np.outer(P[i],P[i]); g=np.zeros(3); g[y[i]]=-1/P[i,y[i]]
        dW+=np.outer(X[i],J@g)/n
    dW+=W
    return dW
""",
    function="f",
)

pair(
    "softmax_logsumexp",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N",), dtype=int); W = sg.param("W", (4, 3))
z = X @ W
e = np.exp(z)
p = e / np.sum(e, axis=1, keepdims=True)
loss = -np.mean(np.log(p[sg.arange("N"), y])) + 0.5 * np.sum(W**2)
""",
    """
def f(X,y,W):
    s=X@W; m=s.max(1,keepdims=True); lp=s-m-np.log(np.exp(s-m).sum(1,keepdims=True))
    loss=-lp[range(len(y)),y].mean()+.5*(W*W).sum()
    g=np.exp(lp); np.subtract.at(g,(np.arange(len(y)),y),1)
    return loss,X.T.dot(g)/len(y)+W
""",
    function="f",
)

pair(
    "softmax_eqmask",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N",), dtype=int); W = sg.param("W", (4, 3))
z = X @ W
e = np.exp(z)
p = e / np.sum(e, axis=1, keepdims=True)
loss = -np.mean(np.log(p[sg.arange("N"), y])) + 0.5 * np.sum(W**2)
""",
    """
def f(X,y,W):
    s=X.dot(W); P=np.exp(s); P=P/P.sum(1).reshape(-1,1)
    G=(P-(y[:,None]==np.arange(3)))/len(y)
    reg=1.0
    return dict(W=(G.T@X).T+reg*W)
""",
    function="f",
)

pair(
    "softmax_f32",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N",), dtype=int); W = sg.param("W", (4, 3))
z = X @ W
e = np.exp(z)
p = e / np.sum(e, axis=1, keepdims=True)
loss = -np.mean(np.log(p[sg.arange("N"), y])) + 0.5 * np.sum(W**2)
""",
    """
def f(X,y,W):
    X,W=X.astype(np.float32),W.astype(np.float32); s=X@W; P=np.exp(s-s.max(1,keepdims=True)); P/=P.sum(1,keepdims=True)
    P[np.arange(len(y)),y]-=1
    return {"W":X.T@P/np.float32(len(y))+W}
""",
    function="f",
)

pair(
    "rnn_lists",
    """
x = sg.data("x", (3, 4)); y = sg.data("y", (3, 2)); Wx = sg.param("Wx", (5, 4)); Wh = sg.param("Wh", (5, 5)); Wy = sg.param("Wy", (2, 5)); b = sg.param("b", (5,))
h1 = np.tanh(Wx @ x[0] + b)
h2 = np.tanh(Wx @ x[1] + Wh @ h1 + b)
h3 = np.tanh(Wx @ x[2] + Wh @ h2 + b)
loss = 0.5 * (np.sum((Wy @ h1 - y[0])**2) + np.sum((Wy @ h2 - y[1])**2) + np.sum((Wy @ h3 - y[2])**2))
""",
    """
def f(x,y,Wx,Wh,Wy,b):
    hs=[np.zeros(5)]
    for t in range(3): hs.append(np.tanh(Wx@x[t]+Wh@hs[-1]+b))
    g=dict(Wx=0,Wh=0,Wy=0,b=0); nxt=0
    for t in (2,1,0):
        dy=Wy@hs[t+1]-y[t]; g["Wy"]=g["Wy"]+np.outer(dy,hs[t+1])
        dh=Wy.T@dy+nxt; da=dh*(1-hs[t+1]**2)
        g["Wx"]=g["Wx"]+np.outer(da,x[t]); g["Wh"]=g["Wh"]+np.outer(da,hs[t]); g["b"]=g["b"]+da; nxt=Wh.T@da
    return g
""",
    function="f",
)

pair(
    "rnn_columns",
    """
x = sg.data("x", (3, 4)); y = sg.data("y", (3, 2)); Wx = sg.param("Wx", (5, 4)); Wh = sg.param("Wh", (5, 5)); Wy = sg.param("Wy", (2, 5)); b = sg.param("b", (5,))
h1 = np.tanh(Wx @ x[0] + b)
h2 = np.tanh(Wx @ x[1] + Wh @ h1 + b)
h3 = np.tanh(Wx @ x[2] + Wh @ h2 + b)
loss = 0.5 * (np.sum((Wy @ h1 - y[0])**2) + np.sum((Wy @ h2 - y[1])**2) + np.sum((Wy @ h3 - y[2])**2))
""",
    """
def f(x,y,Wx,Wh,Wy,b):
    xs,hs,ys={}, {-1:np.zeros((5,1))}, {}; b=b.reshape(-1,1)
    for t in range(3):
        xs[t]=x[t].reshape(-1,1); hs[t]=np.tanh(Wx.dot(xs[t])+Wh.dot(hs[t-1])+b); ys[t]=Wy.dot(hs[t])
    dWx,dWh,dWy,db=np.zeros_like(Wx),np.zeros_like(Wh),np.zeros_like(Wy),np.zeros_like(b); dhnext=np.zeros_like(hs[0])
    for t in reversed(range(3)):
        dy=ys[t]-y[t].reshape(-1,1); dWy+=dy.dot(hs[t].T); dh=Wy.T.dot(dy)+dhnext
        dhraw=(1-hs[t]*hs[t])*dh; db+=dhraw; dWx+=dhraw.dot(xs[t].T); dWh+=dhraw.dot(hs[t-1].T); dhnext=Wh.T.dot(dhraw)
    for d in [dWx,dWh,dWy,db]: np.clip(d,-5,5,out=d)
    return dWx,dWh,dWy,db
""",
    function="f",
)

pair(
    "rnn_recursive",
    """
x = sg.data("x", (3, 4)); y = sg.data("y", (3, 2)); Wx = sg.param("Wx", (5, 4)); Wh = sg.param("Wh", (5, 5)); Wy = sg.param("Wy", (2, 5)); b = sg.param("b", (5,))
h1 = np.tanh(Wx @ x[0] + b)
h2 = np.tanh(Wx @ x[1] + Wh @ h1 + b)
h3 = np.tanh(Wx @ x[2] + Wh @ h2 + b)
loss = 0.5 * (np.sum((Wy @ h1 - y[0])**2) + np.sum((Wy @ h2 - y[1])**2) + np.sum((Wy @ h3 - y[2])**2))
""",
    """
def f(x,y,Wx,Wh,Wy,b):
    g={k:np.zeros_like(v) for k,v in dict(Wx=Wx,Wh=Wh,Wy=Wy,b=b).items()}
    def step(t,h):
        if t==3: return np.zeros(5)
        n=np.tanh(Wx@x[t]+Wh@h+b); d=Wy@n-y[t]; g["Wy"]+=np.outer(d,n)
        da=(step(t+1,n)+Wy.T@d)*(1-n*n)
        g["Wx"]+=np.outer(da,x[t]); g["Wh"]+=np.outer(da,h); g["b"]+=da
        return Wh.T@da
    step(0,np.zeros(5))
    return g
""",
    function="f",
)

pair(
    "ln_long",
    """
x = sg.param("x", ("N", 5)); g = sg.param("g", (5,)); b = sg.param("b", (5,)); G = sg.data("G", ("N", 5))
mu = np.mean(x, axis=1, keepdims=True)
v = np.mean((x - mu)**2, axis=1, keepdims=True)
xhat = (x - mu) / np.sqrt(v + 1e-5)
y = g * xhat + b
loss = np.sum(G * y)
""",
    """
def f(x,g,b,G):
    D=x.shape[1]; mu=x.mean(1,keepdims=True); xm=x-mu; v=(xm**2).mean(1,keepdims=True); s=np.sqrt(v+1e-5); xh=xm/s
    dxh=G*g; dvar=np.sum(dxh*xm*-.5*(v+1e-5)**-1.5,axis=1,keepdims=True)
    dmu=np.sum(-dxh/s,axis=1,keepdims=True)+dvar*np.mean(-2*xm,axis=1,keepdims=True)
    return {"g":(G*xh).sum(0),"b":G.sum(0),"x":dxh/s+dvar*2*xm/D+dmu/D}
""",
    function="f",
)

pair(
    "ln_short",
    """
x = sg.param("x", ("N", 5)); g = sg.param("g", (5,)); b = sg.param("b", (5,)); G = sg.data("G", ("N", 5))
mu = np.mean(x, axis=1, keepdims=True)
v = np.mean((x - mu)**2, axis=1, keepdims=True)
xhat = (x - mu) / np.sqrt(v + 1e-5)
y = g * xhat + b
loss = np.sum(G * y)
""",
    """
def f(x,g,b,G):
    s=1/np.sqrt(x.var(-1,keepdims=True)+1e-5); n=(x-x.mean(-1,keepdims=True))*s; h=G*g
    return dict(dx=s*(h-h.mean(-1,keepdims=True)-n*(h*n).mean(-1,keepdims=True)),dg=np.sum(G*n,0),db=np.sum(G,0))
""",
    function="f",
)

pair(
    "ln_D",
    """
x = sg.param("x", ("N", 5)); g = sg.param("g", (5,)); b = sg.param("b", (5,)); G = sg.data("G", ("N", 5))
mu = np.mean(x, axis=1, keepdims=True)
v = np.mean((x - mu)**2, axis=1, keepdims=True)
xhat = (x - mu) / np.sqrt(v + 1e-5)
y = g * xhat + b
loss = np.sum(G * y)
""",
    """
def f(x,g,b,G):
    N,D=x.shape; m=x.mean(1)[:,None]; s=np.sqrt(((x-m)**2).sum(1)[:,None]/D+1e-5); n=(x-m)/s
    dx=(1./D)*g/s*0
    dn=G*g
    dx=1./D/s*(D*dn-dn.sum(1)[:,None]-n*(dn*n).sum(1)[:,None])
    return dx,np.einsum("ni,ni->i",G,n),np.ones(N)@G
""",
    function="f",
)

pair(
    "att_usual",
    """
Q = sg.param("Q", ("T", 4)); K = sg.param("K", ("T", 4)); V = sg.param("V", ("T", 3)); G = sg.data("G", ("T", 3))
S = Q @ K.T / 2.0
A = np.exp(S) / np.sum(np.exp(S), axis=1, keepdims=True)
O = A @ V
loss = np.sum(G * O)
""",
    """
def f(Q,K,V,G):
    S=Q@K.T/np.sqrt(Q.shape[1]); S=S-S.max(1,keepdims=True); P=np.exp(S); P/=P.sum(1,keepdims=True)
    dP=G@V.T; dS=P*(dP-(P*dP).sum(1,keepdims=True))/2
    return {"Q":dS@K,"K":dS.T@Q,"V":P.T@G}
""",
    function="f",
)

pair(
    "att_flash",
    """
Q = sg.param("Q", ("T", 4)); K = sg.param("K", ("T", 4)); V = sg.param("V", ("T", 3)); G = sg.data("G", ("T", 3))
S = Q @ K.T / 2.0
A = np.exp(S) / np.sum(np.exp(S), axis=1, keepdims=True)
O = A @ V
loss = np.sum(G * O)
""",
    """
def f(Q,K,V,G):
    S=Q@K.T*0.5; L=np.log(np.exp(S).sum(1)); O=np.exp(S-L[:,None])@V; D=(G*O).sum(1)
    dQ,dK,dV=np.zeros_like(Q),np.zeros_like(K),np.zeros_like(V)
    for j in range(len(K)):
        p=np.exp(Q@K[j]*.5-L); dV[j]=p@G; dp=G@V[j]; ds=p*(dp-D)*.5
        dQ+=np.outer(ds,K[j]); dK[j]=ds@Q
    return dQ,dK,dV
""",
    function="f",
)

pair(
    "att_rowjac",
    """
Q = sg.param("Q", ("T", 4)); K = sg.param("K", ("T", 4)); V = sg.param("V", ("T", 3)); G = sg.data("G", ("T", 3))
S = Q @ K.T / 2.0
A = np.exp(S) / np.sum(np.exp(S), axis=1, keepdims=True)
O = A @ V
loss = np.sum(G * O)
""",
    """
def f(Q,K,V,G):
    S=Q@K.T/2; A=np.exp(S); A=A/A.sum(-1,keepdims=True); dA=G@V.T
    dS=np.stack([(np.diag(a)-np.outer(a,a))@g for a,g in zip(A,dA)])
    dQ=dS.dot(K)/2; dK=dS.transpose().dot(Q)/2; dV=np.transpose(A).dot(G)
    return dict(dS=dS,dQ=dQ,dK=dK,dV=dV)
""",
    function="f",
)

pair(
    "huber_clip",
    """
X = sg.data("X", ("N", 3)); t = sg.data("t", ("N",)); w = sg.param("w", (3,)); b = sg.param("b", ())
r = X @ w + b - t
loss = np.mean(np.where(np.abs(r) <= 1.0, 0.5 * r**2, np.abs(r) - 0.5))
""",
    """
def f(X,t,w,b):
    r=X@w+b-t; d=np.clip(r,-1,1)/len(r)
    return {"w":X.T@d,"b":d.sum()}
""",
    function="f",
)

pair(
    "huber_where",
    """
X = sg.data("X", ("N", 3)); t = sg.data("t", ("N",)); w = sg.param("w", (3,)); b = sg.param("b", ())
r = X @ w + b - t
loss = np.mean(np.where(np.abs(r) <= 1.0, 0.5 * r**2, np.abs(r) - 0.5))
""",
    """
def f(X,t,w,b,delta=1.0):
    r=t-X@w-b; s=np.abs(r)<delta
    d=-np.where(s,r,delta*np.sign(r))
    return X.T@d/len(t),np.mean(d)
""",
    function="f",
)

pair(
    "huber_minmax",
    """
X = sg.data("X", ("N", 3)); t = sg.data("t", ("N",)); w = sg.param("w", (3,)); b = sg.param("b", ())
r = X @ w + b - t
loss = np.mean(np.where(np.abs(r) <= 1.0, 0.5 * r**2, np.abs(r) - 0.5))
""",
    """
def f(X,t,w,b):
    r=X.dot(w)+b-t; d=np.minimum(np.maximum(r,-1),1)
    g=(X*d[:,None]).mean(axis=0)
    return {"dw":g,"db":float(d.mean())}
""",
    function="f",
)

pair(
    "huber_loop",
    """
X = sg.data("X", ("N", 3)); t = sg.data("t", ("N",)); w = sg.param("w", (3,)); b = sg.param("b", ())
r = X @ w + b - t
loss = np.mean(np.where(np.abs(r) <= 1.0, 0.5 * r**2, np.abs(r) - 0.5))
""",
    """
def f(X,t,w,b):
    gw=np.zeros(3); gb=0.
    for n in range(len(t)):
        r=float(X[n]@w+b-t[n])
        d=r if abs(r)<=1 else (1. if r>0 else -1.)
        gw+=d*X[n]; gb+=d
    return gw/len(t),gb/len(t)
""",
    function="f",
)

pair(
    "emb_addat",
    """
idx = sg.data("idx", ("T",), dtype=int); E = sg.param("E", (7, 3)); W = sg.param("W", (3, 2)); G = sg.data("G", ("T", 2))
v = E[idx]
s = np.tanh(v @ W)
loss = np.sum(G * s)
""",
    """
def f(idx,E,W,G):
    v=E[idx]; s=np.tanh(v@W); d=G*(1-s*s); dE=np.zeros_like(E); np.add.at(dE,idx,d@W.T)
    return dE,v.T@d
""",
    function="f",
)

pair(
    "emb_loop",
    """
idx = sg.data("idx", ("T",), dtype=int); E = sg.param("E", (7, 3)); W = sg.param("W", (3, 2)); G = sg.data("G", ("T", 2))
v = E[idx]
s = np.tanh(v @ W)
loss = np.sum(G * s)
""",
    """
def f(idx,E,W,G):
    dE=np.zeros(E.shape); dW=np.zeros(W.shape)
    for i,g in zip(idx,G):
        d=g*(1-np.tanh(E[i]@W)**2); dW+=E[i][:,None]*d[None]; dE[i]+=W@d
    return {"E":dE,"W":dW}
""",
    function="f",
)

pair(
    "emb_onehot",
    """
idx = sg.data("idx", ("T",), dtype=int); E = sg.param("E", (7, 3)); W = sg.param("W", (3, 2)); G = sg.data("G", ("T", 2))
v = E[idx]
s = np.tanh(v @ W)
loss = np.sum(G * s)
""",
    """
def f(idx,E,W,G):
    O=np.eye(len(E))[idx]; v=O@E; d=G*(1/np.cosh(v@W))**2
    return dict(dE=O.T@(d@W.T),dW=v.T@d)
""",
    function="f",
)

pair(
    "emb_bincount",
    """
idx = sg.data("idx", ("T",), dtype=int); E = sg.param("E", (7, 3)); W = sg.param("W", (3, 2)); G = sg.data("G", ("T", 2))
v = E[idx]
s = np.tanh(v @ W)
loss = np.sum(G * s)
""",
    """
def f(idx,E,W,G):
    v=np.take(E,idx,axis=0); d=G-G*np.tanh(v@W)**2; dv=d@W.T
    dE=np.stack([np.bincount(idx,dv[:,k],minlength=7) for k in range(3)],axis=1)
    return {"dW":np.tensordot(v,d,(0,0)),"dE":dE}
""",
    function="f",
)

pair(
    "conv_windows",
    """
x = sg.param("x", ("N", 8)); k = sg.param("k", (3,)); G = sg.data("G", ("N", 6))
y = k[0] * x[:, 0:6] + k[1] * x[:, 1:7] + k[2] * x[:, 2:8]
loss = np.sum(G * np.maximum(y, 0))
""",
    """
def f(x,k,G):
    w=np.lib.stride_tricks.sliding_window_view(x,3,axis=1); d=G*(w@k>0); dx=np.zeros_like(x)
    for i in range(3): dx[:,i:i+6]+=d*k[i]
    return {"k":np.einsum("nt,ntk->k",d,w),"x":dx}
""",
    function="f",
)

pair(
    "conv_convolve",
    """
x = sg.param("x", ("N", 8)); k = sg.param("k", (3,)); G = sg.data("G", ("N", 6))
y = k[0] * x[:, 0:6] + k[1] * x[:, 1:7] + k[2] * x[:, 2:8]
loss = np.sum(G * np.maximum(y, 0))
""",
    """
def f(x,k,G):
    y=np.stack([np.correlate(r,k,"valid") for r in x]); d=np.where(y>0,G,0.)
    return dict(dk=sum(np.correlate(r,g,"valid") for r,g in zip(x,d)),dx=np.stack([np.convolve(g,k,"full") for g in d]))
""",
    function="f",
)

pair(
    "conv_toeplitz",
    """
x = sg.param("x", ("N", 8)); k = sg.param("k", (3,)); G = sg.data("G", ("N", 6))
y = k[0] * x[:, 0:6] + k[1] * x[:, 1:7] + k[2] * x[:, 2:8]
loss = np.sum(G * np.maximum(y, 0))
""",
    """
def f(x,k,G):
    T=np.zeros((8,6))
    for j in range(6): T[j:j+3,j]=k
    d=(x@T>0)*G; dT=x.T@d
    return np.array([np.trace(dT[i:i+6]) for i in range(3)]),d@T.T
""",
    function="f",
)

pair(
    "cls_plain",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
class Net:
    def __init__(self,d,h,o):
        self.W1=np.random.randn(d,h);self.b1=np.zeros(h);self.W2=np.random.randn(h,o);self.b2=np.zeros(o)
    def forward(self,X):
        self.X=X;self.Z1=X@self.W1+self.b1;self.A1=np.maximum(self.Z1,0);self.A2=1/(1+np.exp(-(self.A1@self.W2+self.b2)));return self.A2
    def backward(self,y):
        d=(self.A2-y)/len(y);self.dW2=self.A1.T@d;self.db2=d.sum(0);d=d@self.W2.T*(self.Z1>0);self.dW1=self.X.T@d;self.db1=d.sum(0)
""",
    cls="Net",
    setup="Net(4,5,2)",
)

pair(
    "cls_grads",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
class Net:
    def __init__(self,d,h,o):
        self.W1=np.random.randn(d,h);self.b1=np.zeros(h);self.W2=np.random.randn(h,o);self.b2=np.zeros(o);self.grads={}
    def forward(self,X):
        self.X=X;self.Z1=X@self.W1+self.b1;self.A1=np.maximum(self.Z1,0);self.A2=1/(1+np.exp(-(self.A1@self.W2+self.b2)));return self.A2
    def backward(self,y):
        d=(self.A2-y)/len(y);self.grads["W2"]=self.A1.T@d;self.grads["b2"]=d.sum(0);d=d@self.W2.T*(self.Z1>0);self.grads["W1"]=self.X.T@d;self.grads["b1"]=d.sum(0)
""",
    cls="Net",
    setup="Net(4,5,2)",
)

pair(
    "cls_yhat",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
class Net:
    def __init__(self,d,h,o):
        self.W1=np.random.randn(d,h);self.b1=np.zeros(h);self.W2=np.random.randn(h,o);self.b2=np.zeros(o)
    def forward(self,X):
        self.X=X;self.Z1=X@self.W1+self.b1;self.A1=np.maximum(self.Z1,0);self.A2=1/(1+np.exp(-(self.A1@self.W2+self.b2)));return self.A2
    def backward(self,y,y_hat):
        d=(y_hat-y)/len(y);self.dW2=self.A1.T@d;self.db2=d.sum(0);d=d@self.W2.T*(self.Z1>0);self.dW1=self.X.T@d;self.db1=d.sum(0)
""",
    cls="Net",
    setup="Net(4,5,2)",
)

pair(
    "cls_return",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
class Net:
    def __init__(self,d,h,o):
        self.W1=np.random.randn(d,h);self.b1=np.zeros(h);self.W2=np.random.randn(h,o);self.b2=np.zeros(o)
    def forward(self,X):
        self.X=X;self.Z1=X@self.W1+self.b1;self.A1=np.maximum(self.Z1,0);self.A2=1/(1+np.exp(-(self.A1@self.W2+self.b2)));return self.A2
    def backward(self,y):
        d=(self.A2-y)/len(y);self.dW2=self.A1.T@d;self.db2=d.sum(0);d=d@self.W2.T*(self.Z1>0);self.dW1=self.X.T@d;self.db1=d.sum(0)
        return {"W1":self.dW1,"b1":self.db1,"W2":self.dW2,"b2":self.db2}
    def step(self,lr): self.W1-=lr*self.dW1
""",
    cls="Net",
    setup="Net(4,5,2)",
)

pair(
    "cls_updates",
    """
X = sg.data("X", ("N", 4)); y = sg.data("y", ("N", 2)); W1 = sg.param("W1", (4, 5)); b1 = sg.param("b1", (5,)); W2 = sg.param("W2", (5, 2)); b2 = sg.param("b2", (2,))
Z1 = X @ W1 + b1
A1 = np.maximum(Z1, 0)
Z2 = A1 @ W2 + b2
A2 = 1 / (1 + np.exp(-Z2))
loss = -np.sum(y * np.log(A2) + (1 - y) * np.log(1 - A2)) / X.shape[0]
""",
    """
class Net:
    def __init__(self,d,h,o):
        self.W1=np.random.randn(d,h);self.b1=np.zeros(h);self.W2=np.random.randn(h,o);self.b2=np.zeros(o)
    def forward(self,X):
        self.X=X;self.Z1=X@self.W1+self.b1;self.A1=np.maximum(self.Z1,0);self.A2=1/(1+np.exp(-(self.A1@self.W2+self.b2)));return self.A2
    def backward(self,y):
        d=(self.A2-y)/len(y);self.dW2=self.A1.T@d;self.db2=d.sum(0);d=d@self.W2.T*(self.Z1>0);self.dW1=self.X.T@d;self.db1=d.sum(0);self.W1-=.1*self.dW1;self.b1-=.1*self.db1;self.W2-=.1*self.dW2;self.b2-=.1*self.db2
""",
    cls="Net",
    setup="Net(4,5,2)",
)

pair(
    "smoothed_labels_nb_right",
    """
X = sg.data("X", (6, 4)); Y = sg.data("Y", (6, 3), assume=sg.one_hot(axis=1)); W = sg.param("W", (4, 3)); b = sg.param("b", (3,))
q = 0.9 * Y + 0.1 / 3
z = X @ W + b
lse = np.log(np.sum(np.exp(z), axis=1, keepdims=True))
loss = -np.sum(q * (z - lse)) / 6
""",
    """
# %%
rng = np.random.default_rng(0)
X = rng.normal(size=(6, 4))
labels = np.array([0, 2, 1, 1, 0, 2])
Y = np.eye(3)[labels]
W = rng.normal(size=(4, 3)) * 0.1
b = np.zeros(3)
# %%
alpha = 0.1
q = (1 - alpha) * Y + alpha / 3
scores = X @ W + b
probs = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
loss = -(q * np.log(probs)).sum() / len(X)
loss
# %%
dscores = probs.copy()
dscores[np.arange(6), labels] -= 1 - alpha
dscores -= alpha / 3
dscores /= len(X)
dW = X.T @ dscores
db = dscores.sum(axis=0)
dW, db
""",
    suffix=".ipynb",
)

pair(
    "rnn_class",
    """
T, N = 3, 4
X = sg.data("X", (T, N, 2)); Y = sg.data("Y", (N, 2)); Wx = sg.param("Wx", (2, 3)); Wh = sg.param("Wh", (3, 3)); b = sg.param("b", (3,)); Wy = sg.param("Wy", (3, 2))
h = np.zeros((N, 3))
for t in range(T):
    h = np.tanh(X[t] @ Wx + h @ Wh + b)
loss = np.mean((h @ Wy - Y)**2)
""",
    """
class RNN:
    def __init__(self, i, h, o):
        rng = np.random.default_rng(0)
        self.params = {'Wx': rng.normal(size=(i, h)), 'Wh': rng.normal(size=(h, h)), 'b': np.zeros(h), 'Wy': rng.normal(size=(h, o))}
        self.grads = {}

    def forward(self, X):
        p = self.params
        self.X = X
        self.h = {-1: np.zeros((X.shape[1], p['Wh'].shape[0]))}
        for t in range(len(X)):
            self.h[t] = np.tanh(X[t] @ p['Wx'] + self.h[t - 1] @ p['Wh'] + p['b'])
        self.out = self.h[len(X) - 1] @ p['Wy']
        return self.out

    def backward(self, Y):
        p = self.params
        T = len(self.X)
        dout = 2 * (self.out - Y) / Y.size
        self.grads = {k: np.zeros_like(v) for k, v in p.items()}
        self.grads['Wy'] = self.h[T - 1].T @ dout
        dh = dout @ p['Wy'].T
        for t in range(T - 1, -1, -1):
            da = dh * (1 - self.h[t] ** 2)
            self.grads['Wx'] += self.X[t].T @ da
            self.grads['Wh'] += self.h[t - 1].T @ da
            self.grads['b'] += da.sum(axis=0)
            dh = da @ p['Wh'].T
        return self.grads
""",
    cls="RNN",
    setup="RNN(2, 3, 2)",
)

pair(
    "dict_from_a_function_right",
    """
X = sg.data("X", (6, 3)); t = sg.data("t", (6,)); W = sg.param("W", (3,)); b = sg.param("b", ())
loss = np.mean((X @ W + b - t)**2)
""",
    """
X = np.random.randn(6, 3); t = np.random.randn(6)

def start(n):
    return {"W": np.random.randn(n), "b": 0.1}

def slopes(params, X, t):
    r = X @ params["W"] + params["b"] - t
    return {"dW": 2 * X.T @ r / len(t), "db": 2 * r.mean()}

params = start(3)
for i in range(20):
    grads = slopes(params, X, t)
    dW, db = grads["dW"], grads["db"]
    params["W"] = params["W"] - 0.1 * dW
    params["b"] = params["b"] - 0.1 * db
""",
)

pair(
    "variables_of_the_file_right",
    """
X = sg.data("X", ("N", 3)); t = sg.data("t", ("N",)); W = sg.param("W", (3,)); b = sg.param("b", ())
loss = np.mean((X @ W + b - t)**2)
""",
    """
W = np.random.randn(3)
b = 0.1

def slopes(X, t):
    r = X @ W + b - t
    return 2 * X.T @ r / len(t), 2 * r.mean()
""",
    function="slopes",
)
